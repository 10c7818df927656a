"""The outbox: accepts a message, keeps it on disk, and delivers it later."""
