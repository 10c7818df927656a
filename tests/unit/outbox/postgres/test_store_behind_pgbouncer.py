"""The store keeps what every store promises where a pooler gives each transaction another session."""

import pytest

from proxy.store.postgres.connecting import Server
from tests.fakes.pgbouncer import PgBouncer
from tests.fakes.postgres import PostgresServer
from tests.unit.outbox.store_contract import *  # noqa: F403 - its tests

pytestmark = pytest.mark.needs("postgresql", "pgbouncer")


@pytest.fixture
def server(pooler: PgBouncer, postgres_server: PostgresServer, database: str) -> Server:
    """The new database, by the pooler."""
    return Server(pooler.url(database), postgres_server.password_file)
