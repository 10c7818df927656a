"""Access tokens of OAuth clients (RFC 6749 §4.4, client credentials): requested once, kept, renewed in time."""
