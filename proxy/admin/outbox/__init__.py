"""The outbox at the admin address: what it keeps, and what a person decides about it."""
