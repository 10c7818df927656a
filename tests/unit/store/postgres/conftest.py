"""A database, and connections to it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from proxy.store.postgres.connecting import Connection, Server, connect, current
from tests.fakes.postgres import PostgresServer

Connect = Callable[..., Awaitable[Connection]]


@pytest.fixture
def server(postgres_server: PostgresServer, database: str) -> Server:
    """The new database, by its password."""
    return Server(postgres_server.url(database), postgres_server.password_file)


@pytest.fixture
async def connecting(server: Server) -> AsyncIterator[Connect]:
    """Opens connections for a test."""
    async with AsyncExitStack() as stack:

        async def opened(other: Server | None = None) -> Connection:
            connection = await connect(await asyncio.to_thread(current, other or server))
            stack.push_async_callback(connection.close)
            return connection

        yield opened
