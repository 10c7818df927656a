"""A store of tokens between token sources and the authorization server."""

from proxy.oauth.granter import Granter, GrantProgress
from proxy.oauth.token import Token
from tests.unit.oauth.world import World


class SharedStore:
    """One token for several processes, replaced only by a process that saw this one refused."""

    def __init__(self) -> None:
        self.token: Token | None = None
        self.refused: list[Token | None] = []

    def wrap(self, granter: Granter) -> "StoredGranter":
        """Make a granter that looks into the store before it asks."""
        return StoredGranter(self, granter)


class StoredGranter:
    """A granter that returns what another process was granted."""

    def __init__(self, store: SharedStore, granter: Granter) -> None:
        self._store, self._granter = store, granter

    async def grant(self, refused: Token | None, progress: GrantProgress) -> Token:
        """Return the stored token unless it is the refused one."""
        store = self._store
        store.refused.append(refused)
        if store.token is None or (refused is not None and refused.authorization == store.token.authorization):
            store.token = await self._granter.grant(refused, progress)
        return store.token


async def test_a_token_serves_a_second_process_without_a_token_request() -> None:
    """Only real token requests are counted."""
    store = SharedStore()
    one, other = World(wrap=store.wrap), World(wrap=store.wrap)
    await one.have()
    assert await (await other.wait()) == "t0ken"
    assert other.asked == 0
    assert dict(one.source.grants) == {"granted": 1}
    assert dict(other.source.grants) == {}


async def test_a_refused_token_is_replaced_by_one_grant_for_both_processes() -> None:
    """The granter gets the refused one."""
    store = SharedStore()
    one, other = World(wrap=store.wrap), World(wrap=store.wrap)
    old = await one.have("old")
    await (await other.wait())
    await one.advance(10)
    await other.advance(10)
    assert await one.invalidate(old)
    await one.grant("new")
    assert await other.invalidate(old)
    assert [await one.ready(), await other.ready()] == ["new", "new"]
    assert [one.asked, other.asked] == [2, 0]
    assert store.refused == [None, None, old, old]


async def test_a_renewal_because_of_age_refuses_nothing() -> None:
    """The renewal after that of a refused token is an ordinary one."""
    store = SharedStore()
    world = World(wrap=store.wrap)
    old = await world.have("old", for_seconds=10)
    await world.invalidate(old)
    await world.grant("new")
    await world.advance(3300)
    await world.ready()
    assert store.refused == [None, old, None]


async def test_a_granter_knows_how_long_an_exchange_still_waits() -> None:
    """Exchanges that join move the end of the wait."""
    left: list[float] = []

    class Waiting:
        async def grant(self, refused: Token | None, progress: GrantProgress) -> Token:
            del refused
            left.append(progress.seconds_left())
            world.clock.advance(15)
            left.append(progress.seconds_left())
            progress.extend(20)
            left.append(progress.seconds_left())
            raise RuntimeError

    world = World(wrap=lambda _: Waiting())
    await world.wait()
    assert left == [20, 5, 20]
