"""Tokens that were changed or moved in the database are not used: each is bound to its row and its generation."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from proxy.oauth.shared_granter import SharedGranter
from proxy.oauth.token import Token
from proxy.store.keys import ValueForged
from proxy.store.postgres.connecting import Server
from proxy.store.postgres.database import Database
from proxy.store.postgres.migrations import migrate
from proxy.store.postgres.names import NameKey
from proxy.store.postgres.tokens import PostgresTokens
from tests.cases import cases
from tests.fakes.token_store import keys
from tests.unit.oauth.registrations import XSUAA, registration
from tests.unit.oauth.shared_world import Replica, World
from tests.unit.oauth.world import Lines
from tests.unit.store.postgres.conftest import Connect

pytestmark = pytest.mark.needs("postgresql")

Started = Callable[[str], Awaitable["Shared"]]

PUT = "UPDATE cpi_proxy_tokens SET "
FORGED = {
    "another's": f"{PUT} token = other.token FROM cpi_proxy_tokens AS other WHERE other.name <> cpi_proxy_tokens.name",
    "changed": f"{PUT} token = set_byte(token, 20, get_byte(token, 20) # 1)",
    "of another generation": f"{PUT} generation = generation + 1",
    "not encrypted": PUT + """token_key = '', token = '{"authorization":"mine","lifetime":3600,"scopes":[]}'""",
}


class Shared:
    """A replica with one OAuth client."""

    def __init__(self, server: Server, client_id: str) -> None:
        self.rejected: list[ValueError] = []
        names = NameKey(keys, rejected=self.rejected.append)
        self.database = Database(server, (migrate, names.load), log=Lines(), within=10)
        self._grants = Replica(World())
        client = registration({**XSUAA, "client_id": client_id})
        self._granter = SharedGranter(
            client,
            self._grants,
            PostgresTokens(self.database, names),
            keys=keys,
            rejected=self.rejected.append,
            clock=self._grants.clock,
        )

    async def token(self) -> Token:
        """Of another replica or a grant."""
        return await self._granter.grant(None, self._grants.progress)

    @property
    def grants(self) -> int:
        """How many grants it has made."""
        return self._grants.world.grants


@pytest.fixture
async def started(server: Server) -> AsyncIterator[Started]:
    """Starts a replica of an OAuth client."""
    opened: list[Shared] = []

    async def start(client_id: str) -> Shared:
        opened.append(Shared(server, client_id))
        await opened[-1].database.start(10)
        return opened[-1]

    yield start
    for each in opened:
        await each.database.close()


async def test_a_token_is_taken_over_as_it_was_published(started: Started) -> None:
    """If nobody has touched it."""
    published = await (await started("a")).token()
    other = await started("a")
    assert (await other.token()).authorization == published.authorization
    assert (other.grants, other.rejected) == (0, [])


@cases("how", *FORGED)
async def test_a_token_that_was_tampered_with_is_not_used(started: Started, connecting: Connect, how: str) -> None:
    """There is a grant instead."""
    for client in ("a", "b"):
        await (await started(client)).token()
    connection = await connecting()
    await connection.execute(FORGED[how].encode())
    for client in ("a", "b"):
        replica = await started(client)
        await replica.token()
        assert replica.grants == 1
        assert {type(each) for each in replica.rejected} == {ValueForged}


async def test_a_name_key_that_is_not_encrypted_is_refused(started: Started, connecting: Connect) -> None:
    """Whoever put it there would know the rows."""
    await started("a")
    connection = await connecting()
    await connection.execute("UPDATE cpi_proxy_name_key SET key_id = '', value = 'known'")
    replica = await started("a")
    assert [type(each) for each in replica.rejected] == [ValueForged]
