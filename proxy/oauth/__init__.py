"""Access tokens by client credentials (RFC 6749 §4.4): asked for once, kept, renewed in time."""
