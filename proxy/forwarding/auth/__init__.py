"""How senders authenticate: one authenticator for each kind of credential."""
