"""A hand-moved clock that PostgreSQL shows too."""

from tests.fakes.clock import HandClock
from tests.fakes.postgres import PostgresServer


class DatabaseClock(HandClock):
    """Replaces `clock_timestamp` for later connections."""

    def __init__(self, server: PostgresServer, database: str, *, wall: float) -> None:
        super().__init__(wall=wall)
        self._server, self._database = server, database
        self.skew = 0.0
        "Seconds by which the database is ahead of this clock."
        server.sql(
            f"""
            CREATE SCHEMA test_time;
            GRANT USAGE ON SCHEMA test_time TO proxy;
            CREATE TABLE test_time.now (at float8);
            GRANT SELECT ON test_time.now TO proxy;
            INSERT INTO test_time.now VALUES ({wall});
            CREATE FUNCTION test_time.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
                AS 'SELECT to_timestamp(at) FROM test_time.now';
            ALTER DATABASE {database} SET search_path = public, test_time, pg_catalog;
            """,
            database,
        )

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        self.store()

    def store(self) -> None:
        self._server.sql(f"UPDATE test_time.now SET at = {self.wall() + self.skew}", self._database)
