"""The protocol of shared tokens under random delays, lost answers, deaths and clocks, against what must always hold."""

import asyncio
import os
import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from proxy.errors import AuthorizationServerError, GrantRejected, GrantTimeout
from proxy.oauth.granter import GrantProgress
from proxy.oauth.shared_granter import SharedGranter
from proxy.oauth.token import Moment, Token, lasting
from proxy.store.tokens import StoreUnreachable
from tests.fakes.clock import HandClock
from tests.fakes.token_store import MemoryTokenStore, Row, keys
from tests.unit.oauth.registrations import NEO, XSUAA, registration

MANY = bool(os.environ.get("PROVE"))
REPLICAS = 3
LIFETIME, BUFFER = 3600.0, 300.0
KEYS = keys()
NAME = slice(0, 8)
"Of an owner: who it is."
ROUNDS = 600
"Far more than any replica needs to get its token."


class Pending:
    """A request on its way to the store or to the authorization server."""

    def __init__(self, effect: Callable[[], object], lost: Callable[[], Exception], *, is_grant: bool) -> None:
        self.effect, self.lost, self.is_grant = effect, lost, is_grant
        self.answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()

    def resolve(self, how: str) -> None:
        """Carry it out and answer; or lose or refuse it."""
        result = self.effect() if how in {"answer", "lose answer"} else None
        if self.answer.done():
            return
        if how == "answer":
            self.answer.set_result(result)
        elif how == "refuse" and self.is_grant:
            self.answer.set_exception(GrantRejected("no"))
        else:
            self.answer.set_exception(self.lost())


class Simulated:
    """A replica: its clocks, its granter, and the token that it uses."""

    def __init__(self, world: "SharedTokens", wall: float) -> None:
        self.world, self.clock = world, HandClock(wall=wall)
        self.id = secrets.token_bytes(8)
        self.is_dead = False
        self.token: Token | None = None
        self.store = MemoryTokenStore(world.time, world.rows)
        self.store.through, self.store.wait = self.through, self.sleep
        self.task: asyncio.Task[Token] | None = None
        self.refused: Token | None = None
        self.granter = SharedGranter(
            world.client,
            self,
            self.store,
            keys=lambda: KEYS,
            rejected=_never,
            clock=self.clock,
            sleep=self.sleep,
            new_owner=lambda: self.id + secrets.token_bytes(8),
        )

    async def through(self, operation: str, effect: Callable[[], object]) -> object:
        """Wait until the machine lets the operation reach the store."""
        del operation
        return await self.send(effect, lambda: StoreUnreachable("lost"), is_grant=False)

    async def send(self, effect: Callable[[], object], lost: Callable[[], Exception], *, is_grant: bool) -> object:
        if self.is_dead:
            raise lost()
        pending = Pending(effect, lost, is_grant=is_grant)
        self.world.pending.append(pending)
        return await pending.answer

    async def sleep(self, seconds: float) -> None:
        over = asyncio.Event()
        handle = self.clock.call_later(seconds, over.set)
        try:
            await over.wait()
        finally:
            handle.cancel()

    async def grant(self, refused: Token | None, progress: GrantProgress) -> Token:
        del refused, progress
        self.world.check_grant(self)
        asked = Moment.now(self.clock)
        text = await self.send(self.world.issue, lambda: GrantTimeout("lost"), is_grant=True)
        assert isinstance(text, bytes)
        return lasting(LIFETIME, text, asked=asked, expiry_buffer=BUFFER, jitter=0.5, scopes=())

    def begin(self) -> None:
        """Renew the token, because it is refused or because it is time."""
        is_void = self.token is not None and self.token.authorization in self.world.void
        self.refused = self.token if is_void else None
        progress = GrantProgress(self.clock.monotonic, lambda _outcome, _seconds: None)
        if self.token is None or is_void:
            progress.extend(20)
        self.task = asyncio.get_running_loop().create_task(self.granter.grant(self.refused, progress))

    def settle(self) -> None:
        if self.task is None or not self.task.done():
            return
        task, self.task = self.task, None
        try:
            self.token = task.result()
        except AuthorizationServerError:
            return
        self.world.check_token(self, self.token)


class SharedTokens(RuleBasedStateMachine):
    """Replicas, a store and an authorization server. Nothing happens but by a rule."""

    @initialize(voids=st.booleans(), walls=st.lists(st.integers(-600, 600), min_size=REPLICAS, max_size=REPLICAS))
    def start(self, walls: list[int], *, voids: bool) -> None:
        """Clocks of replicas differ by minutes."""
        self.loop = asyncio.new_event_loop()
        self.voids, self.client = voids, registration(NEO if voids else XSUAA)
        self.time = HandClock()
        self.rows: dict[bytes, Row] = {}
        self.generation = 0
        self.pending: list[Pending] = []
        self.grants, self.expiry = 0, dict[bytes, float]()
        self.void: set[bytes] = set()
        self.replicas = [Simulated(self, 1.8e9 + wall) for wall in walls]
        self.dead: list[Simulated] = []

    @rule(index=st.integers(0, REPLICAS - 1))
    def begin(self, index: int) -> None:
        """A replica needs a token."""
        if self.replicas[index].task is None:
            self._run(self.replicas[index].begin)

    @precondition(lambda self: self.pending)
    @rule(index=st.integers(0), how=st.sampled_from(["answer"] * 6 + ["lose request", "lose answer", "refuse"]))
    def happen(self, index: int, how: str) -> None:
        """One of the requests that are on their way arrives, or not; in any order."""
        pending = self.pending.pop(index % len(self.pending))
        self._run(lambda: pending.resolve(how))

    @rule(seconds=st.sampled_from([0.1, 1.0, 2.0, 6.0, 60.0, 3400.0]))
    def pass_time(self, seconds: float) -> None:
        self._run(lambda: self._advance(seconds))

    @rule(index=st.integers(0, REPLICAS - 1), seconds=st.sampled_from([-3600.0, -60.0, 60.0, 3600.0]))
    def set_clock(self, index: int, seconds: float) -> None:
        """NTP corrects the wall clock of a replica."""
        self.replicas[index].clock.set_wall(seconds)

    @precondition(lambda self: all(each.store.is_available for each in self.replicas))
    @rule()
    def calm(self) -> None:
        """For a while nothing is lost, and all get what they wait for."""
        self._finish()
        for each in self.replicas:
            self._run(each.begin)
        self._finish()

    @rule()
    def revoke(self) -> None:
        self.void = {*self.expiry}

    @rule(index=st.integers(0, REPLICAS - 1))
    def kill(self, index: int) -> None:
        """A new one takes its place; what it has sent may still arrive."""
        dead, self.replicas[index] = self.replicas[index], Simulated(self, 1.8e9)
        dead.is_dead = True
        self.dead.append(dead)
        if dead.task is not None:
            self._run(dead.task.cancel)

    @rule(index=st.integers(0, REPLICAS - 1))
    def lose_store(self, index: int) -> None:
        """A replica cannot reach the store, or can again."""
        store = self.replicas[index].store
        store.is_available = not store.is_available

    @invariant()
    def generations_only_grow(self) -> None:
        """Nothing that was published is overwritten by an older one."""
        for row in self.rows.values():
            assert self.generation <= row.generation <= self.generation + 1
            self.generation = row.generation

    def teardown(self) -> None:
        """In the end all have the same token, soon."""
        if not hasattr(self, "loop"):
            return
        for each in self.replicas:
            each.store.is_available = True
        self._finish()
        for _ in range(3):  # one for each replica's refused token, and one for what was lost before
            for each in self.replicas:
                self._run(each.begin)
                self._finish()
        used = {each.token.authorization for each in self.replicas if each.token}
        assert len(used) == 1
        assert not used & self.void
        before = self.grants
        for each in self.replicas:
            self._run(each.begin)
        self._finish()
        assert self.grants == before
        self.loop.run_until_complete(asyncio.wait([asyncio.ensure_future(asyncio.sleep(0), loop=self.loop)]))
        self.loop.close()

    def issue(self) -> bytes:
        """The authorization server's part of a grant."""
        self.grants += 1
        text = f"token-{self.grants}".encode()
        self.expiry[text] = self.time.monotonic() + LIFETIME
        if self.voids:
            self.void = self.expiry.keys() - {text}
        return text

    def check_grant(self, replica: Simulated) -> None:
        """None if the row has a fresh token that nobody knows to be refused."""
        for row in self.rows.values():
            now = self.time.monotonic()
            has_lease = row.owner is not None and row.owner[NAME] == replica.id and row.lease_until > now
            is_fresh = row.token is not None and now - row.asked < LIFETIME - BUFFER
            assert not (has_lease and is_fresh)

    def check_token(self, replica: Simulated, token: Token) -> None:
        """Another than the refused one, with no longer a life than it has."""
        assert replica.refused is None or token.authorization != replica.refused.authorization
        left = self.expiry[token.authorization] - self.time.monotonic()
        assert token.expires.monotonic - replica.clock.monotonic() <= left + 1e-6

    def _advance(self, seconds: float) -> None:
        for clock in (self.time, *(each.clock for each in self.replicas)):
            clock.advance(seconds)

    def _finish(self) -> None:
        """Let everything happen, in order, until nobody waits."""
        for _ in range(ROUNDS):
            if not any(each.task for each in self.replicas):
                return
            if self.pending:
                self._run(partial(self.pending.pop(0).resolve, "answer"))
            else:
                self._run(lambda: self._advance(0.25))
        raise AssertionError("a replica gets no token")

    def _run(self, act: Callable[[], Any]) -> None:
        async def run() -> None:
            act()
            for _ in range(10):
                await asyncio.sleep(0)
            for each in self.replicas:
                each.settle()

        self.loop.run_until_complete(run())


def _never(error: ValueError) -> None:
    """All replicas have the same keys, and nobody tampers with the rows."""
    raise AssertionError(error)


TestSharedTokens = SharedTokens.TestCase
TestSharedTokens.settings = settings(
    max_examples=300 if MANY else 30, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
