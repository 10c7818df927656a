"""The admin address: health, readiness, metrics, status; never on the senders' address."""
