"""Replicas that share tokens, in memory: a store, an authorization server, clocks moved by hand."""

import asyncio
from collections.abc import Callable
from typing import Any

from proxy.config.model import OAuthClient
from proxy.oauth.granter import GrantProgress
from proxy.oauth.shared_granter import SharedGranter
from proxy.oauth.token import Moment, Token, lasting
from proxy.store.keys import Keys
from proxy.store.tokens import StoreUnreachable
from tests.fakes.clock import HandClock
from tests.fakes.token_store import MemoryTokenStore, Row, keys
from tests.unit.oauth.registrations import XSUAA, registration


class World:
    """An authorization server, a store's rows and the store's clock."""

    def __init__(self, preset: dict[str, Any] = XSUAA) -> None:
        self.client = registration(preset)
        self.time = HandClock(wall=2e9)
        self.rows: dict[bytes, Row] = {}
        self.grants = 0
        self.lifetime = 3600.0
        self.hold: asyncio.Event | None = None
        self.error: Exception | None = None
        self.text: str | None = None
        "What each token is; by default a new one each time."

    def advance(self, seconds: float, *replicas: "Replica") -> None:
        for each in (self.time, *(replica.clock for replica in replicas)):
            each.advance(seconds)

    @property
    def row(self) -> Row:
        (row,) = self.rows.values()
        return row


class Replica:
    """A shared granter with a clock of its own."""

    def __init__(self, world: World, *, wall: float = 1.8e9, client: OAuthClient | None = None) -> None:
        self.world = world
        self.clock = HandClock(wall=wall)
        self.store = MemoryTokenStore(world.time, world.rows)
        self.keys: Keys = keys()
        self.rejected: list[ValueError] = []
        self.progress = GrantProgress(self.clock.monotonic, lambda _outcome, _seconds: None)
        self.granter = SharedGranter(
            client or world.client,
            self,
            self.store,
            keys=lambda: self.keys,
            rejected=self.rejected.append,
            clock=self.clock,
            sleep=self.sleep,
            random=lambda: 0.5,
        )

    async def sleep(self, seconds: float) -> None:
        over = asyncio.Event()
        self.clock.call_later(seconds, over.set)
        await over.wait()

    async def grant(self, refused: Token | None, progress: GrantProgress) -> Token:
        del refused, progress
        world, asked = self.world, Moment.now(self.clock)
        world.grants += 1
        number = world.grants
        if world.hold is not None:
            await world.hold.wait()
        if world.error is not None:
            raise world.error
        text = world.text or f"token-{number}"
        return lasting(world.lifetime, text.encode(), asked=asked, expiry_buffer=300, jitter=0.5, scopes=("a",))

    async def token(self, refused: Token | None = None) -> Token:
        """What the granter returns; its progress is kept."""
        self.progress = GrantProgress(self.clock.monotonic, lambda _outcome, _seconds: None)
        return await self.granter.grant(refused, self.progress)

    def begin(self, refused: Token | None = None) -> "asyncio.Task[Token]":
        return asyncio.create_task(self.token(refused))


async def turns(count: int = 30) -> None:
    """Let everybody do what is ready."""
    for _ in range(count):
        await asyncio.sleep(0)


async def pass_time(world: World, replica: Replica, seconds: float) -> None:
    """Let time pass in small steps."""
    for _ in range(int(seconds * 4)):
        world.advance(0.25, replica)
        await turns()


def failing(failing_operation: str) -> Callable[[str, Callable[[], object]], Any]:
    """A store whose one operation fails, after it was done."""

    async def through(operation: str, effect: Callable[[], object]) -> object:
        if operation == failing_operation:
            raise StoreUnreachable("away")
        return effect()

    return through
