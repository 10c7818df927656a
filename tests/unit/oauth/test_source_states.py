"""What holds for a token source whatever happens, in any order."""

import asyncio
import json
from collections import Counter
from collections.abc import Coroutine
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from pydantic import SecretStr

from proxy.config.model import OAuthClient
from proxy.errors import AuthorizationServerError, GrantUnavailable
from proxy.oauth.answer import TokenResponse
from proxy.oauth.token import Moment, Token
from tests.unit.oauth.registrations import registration
from tests.unit.oauth.world import World, turns

TIMEOUT = 10.0
RETRIES = 3


class Exchanges(RuleBasedStateMachine):
    """Exchanges, answers, faults, jumps of the clock and new credentials in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.waiting: list[tuple[float, asyncio.Task[Token]]] = []
        self.seen: list[Token] = []
        self.world: World = self.run(self._world())
        self.number = 0
        self.rows: Counter[asyncio.Task[Any] | None] = Counter()
        "Token requests of each grant."
        self.early: list[Moment] = []
        "When a grant began before the pause was over."
        self.sent = self.now
        "When the open request was sent."
        self.granted: dict[bytes, tuple[Moment, float]] = {}
        "When each token was last requested, and the seconds that it lives from then."
        self.world.endpoint.on_send = self._take_note

    def _take_note(self) -> None:
        grant, failure = asyncio.current_task(), self.world.source.failure
        if not self.rows[grant] and failure is not None and not failure.retry_at.is_reached(self.now):
            self.early.append(self.now)
        self.rows[grant] += 1
        self.sent = self.now

    def assert_usable(self, token: Token) -> None:
        """Check that neither clock has reached the token's end, and remember the token."""
        sent, lifetime = self.granted[token.authorization]
        assert self.now.monotonic < sent.monotonic + lifetime
        assert self.now.wall < sent.wall + lifetime
        self.seen.append(token)

    def is_young(self, token: Token) -> bool:
        """Whether less than ten seconds have passed on both clocks."""
        sent, _ = self.granted[token.authorization]
        return self.now.monotonic < sent.monotonic + 10 and self.now.wall < sent.wall + 10

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine, and all that becomes ready."""

        async def both() -> Any:
            found = await coroutine
            await turns()
            return found

        return self.loop.run_until_complete(both())

    async def _world(self) -> World:
        return World(self._client(), random=0.5)

    def _client(self) -> OAuthClient:
        return registration(timeout=TIMEOUT, client_secret=SecretStr(f"secret {id(object())}"))

    @property
    def now(self) -> Moment:
        return Moment.now(self.world.clock)

    def teardown(self) -> None:
        """Every wait ends when the source is closed."""
        self.run(self.world.source.close())
        assert all(task.done() for _, task in self.waiting)
        for _, task in self.waiting:
            if not task.cancelled():
                task.exception()
        self.loop.close()

    @rule()
    def begin_to_wait(self) -> None:
        """An exchange needs a token; one that it gets at once is usable."""

        async def start() -> asyncio.Task[Token]:
            return asyncio.create_task(self.world.source.token())

        task = self.run(start())
        if task.done() and task.exception() is None:
            self.assert_usable(task.result())
        self.waiting.append((self.world.clock.monotonic(), task))

    @rule()
    def look(self) -> None:
        """A token that is ready is usable."""

        async def ready() -> Token | None:
            return self.world.source.ready()

        token = self.run(ready())
        if token is not None:
            self.assert_usable(token)

    @precondition(lambda self: any(not task.done() for _, task in self.waiting))
    @rule(choice=st.integers(min_value=0))
    def leave(self, choice: int) -> None:
        """One exchange leaves; the others and the grant go on."""
        open_tasks = [task for _, task in self.waiting if not task.done()]
        requests = len(self.world.endpoint.open)
        leaving = open_tasks.pop(choice % len(open_tasks))
        leaving.cancel()
        self.run(turns())
        assert leaving.cancelled()
        assert not any(task.done() for task in open_tasks)
        assert len(self.world.endpoint.open) == requests

    @precondition(lambda self: self.world.endpoint.open)
    @rule(expires_in=st.sampled_from([0, 1, 7, 60, 3600, "300", None, -1]), is_same=st.booleans())
    def grant(self, expires_in: Any, is_same: bool) -> None:
        """The server grants a token: all exchanges get it, or learn that it came too late."""
        self.number += not is_same
        lifetime = float(expires_in or 0)
        lifetime, name = lifetime if lifetime > 0 else 3600.0, f"Bearer t{self.number}".encode()
        if not (name in self.granted and self.sent.after(lifetime).is_reached(self.now)):
            self.granted[name] = self.sent, lifetime  # else it came too late to prolong the token
        document = {"access_token": f"t{self.number}", "token_type": "Bearer", "expires_in": expires_in}
        self._answer(TokenResponse(status=200, body=json.dumps(document).encode()))
        assert all(task.done() for _, task in self.waiting)
        for _, task in self.waiting:
            if not task.cancelled() and task.exception() is None and task.result() not in self.seen:
                self.assert_usable(task.result())

    @precondition(lambda self: self.world.endpoint.open)
    @rule(
        status=st.sampled_from([200, 302, 400, 401, 403, 408, 429, 500, 502, 503]),
        retry_after=st.sampled_from([None, "1", "5", "30", "86400"]),
    )
    def refuse(self, status: int, retry_after: str | None) -> None:
        """The server answers without a token."""
        self._answer(TokenResponse(status=status, retry_after=retry_after))

    @precondition(lambda self: self.world.endpoint.open)
    @rule()
    def break_off(self) -> None:

        async def fail() -> None:
            self.world.endpoint.open[0].set_exception(GrantUnavailable("Nobody there."))

        self.run(fail())

    @rule(seconds=st.sampled_from([0.1, 0.5, 1.0, 3.0, 9.0, 20.0, 61.0, 700.0, 4000.0]))
    def pass_time(self, seconds: float) -> None:
        """Time passes; no exchange waits longer than twice the timeout."""

        async def advance() -> None:
            self.world.clock.advance(seconds)

        self.run(advance())
        for since, task in self.waiting:
            assert task.done() or self.world.clock.monotonic() < since + 2 * TIMEOUT

    @precondition(lambda self: self.seen and self.seen[-1].fresh_until.monotonic > self.world.clock.monotonic())
    @rule()
    def grow_stale(self) -> None:
        """Time passes until the last token is due for renewal."""
        self.pass_time(self.seen[-1].fresh_until.monotonic - self.world.clock.monotonic())

    @rule(seconds=st.sampled_from([-86400.0, -5.0, 5.0, 600.0, 86400.0]))
    def jump(self, seconds: float) -> None:
        """NTP sets the wall clock, or the machine was suspended."""
        self.world.clock.set_wall(seconds)

    @precondition(lambda self: self.seen)
    @rule(choice=st.integers(min_value=0))
    def invalidate(self, choice: int) -> None:
        """The exchange that saw an old one refused does not get it again."""
        token = self.seen[choice % len(self.seen)]

        async def refused() -> tuple[bool, Token | None, Token | None]:
            before = self.world.source._token
            again = self.world.source.invalidate(token)
            if before is not None and before.authorization == token.authorization and self.is_young(token):
                assert not again
            assert self.world.source._token is before
            return again, before, self.world.source.ready(token)

        again, kept, given = self.run(refused())
        is_kept = kept is not None and kept.authorization == token.authorization
        if again:
            assert given is None or given.authorization != token.authorization
        else:
            assert is_kept
            assert self.is_young(token)

    @rule()
    def rotate(self) -> None:

        async def change() -> None:
            client = self._client()
            self.world.source.apply(client, self.world.granter(client))

        self.run(change())

    @invariant()
    def there_is_at_most_one_grant(self) -> None:
        """Two token requests are never in flight."""
        assert self.world.endpoint.most_open <= 1

    @invariant()
    def no_exchange_waits_without_a_grant(self) -> None:
        """A wait always ends."""
        if any(not task.done() for _, task in self.waiting):
            assert self.world.source._grant is not None

    @invariant()
    def a_pause_is_kept(self) -> None:
        """No grant begins before the pause after a failed grant is over."""
        assert self.early == []

    @invariant()
    def retries_are_few(self) -> None:
        """A grant makes no more token requests than SAP's table allows."""
        assert max(self.rows.values(), default=0) <= 1 + RETRIES

    @invariant()
    def failures_are_typed(self) -> None:
        """An exchange without a token gets an error for its sender."""
        for _, task in self.waiting:
            if task.done() and not task.cancelled() and task.exception() is not None:
                error = task.exception()
                assert isinstance(error, AuthorizationServerError)
                assert error.retry_after in range(1, 601)

    def _answer(self, answer: TokenResponse) -> None:
        async def give() -> None:
            self.world.endpoint.open[0].set_result(answer)

        self.run(give())


TestExchanges = Exchanges.TestCase
TestExchanges.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
