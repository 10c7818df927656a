"""Connections to the servers that we deliver to."""
