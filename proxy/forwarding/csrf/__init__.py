"""Handles CSRF tokens for senders that cannot: the scheme, a token with its session, and how exchanges share it."""
