"""Authenticates senders: one authenticator for each kind of credential."""
