"""What a token source tells its granter."""

from proxy.oauth.granter import Granter, GrantProgress
from proxy.oauth.token import Token
from tests.unit.oauth.world import World


class Recording:
    """A granter that keeps which tokens were refused."""

    def __init__(self, granter: Granter) -> None:
        self._granter = granter
        self.refused: list[Token | None] = []

    async def grant(self, refused: Token | None, progress: GrantProgress) -> Token:
        self.refused.append(refused)
        return await self._granter.grant(refused, progress)


async def test_a_renewal_because_of_age_refuses_nothing() -> None:
    """The renewal after that of a refused token is an ordinary one."""
    world = World(wrap=Recording)
    old = await world.have("old", for_seconds=10)
    await world.invalidate(old)
    await world.grant("new")
    await world.advance(3300)
    await world.ready()
    assert isinstance(world.source._granter, Recording)
    assert world.source._granter.refused == [None, old, None]


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
