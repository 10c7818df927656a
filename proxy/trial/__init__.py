"""Tries out a configuration without a running proxy: composes and sends a message, requests a token, checks servers."""
