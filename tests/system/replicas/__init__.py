"""Replicas as processes over one PostgreSQL server, and what happens to them at random."""
