"""The CSRF handshake for senders that cannot do it: how it is said, its value, and who shares it."""
