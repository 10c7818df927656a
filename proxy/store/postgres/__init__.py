"""PostgreSQL as the store that replicas share. Only this package loads psycopg, and only `store.postgres` loads it."""
