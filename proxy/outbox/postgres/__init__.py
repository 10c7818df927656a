"""The store of an outbox in PostgreSQL: for several replicas, any of which accepts and delivers."""
