"""The store of an outbox in SQLite: for one process, in one folder."""
