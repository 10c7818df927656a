"""A store behaves as a simple model of it, whatever is done to it in whatever order."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from proxy.errors import MessageIdReused, OutboxFull
from proxy.outbox.message import DeadLetterCode
from proxy.outbox.sqlite.store import SqliteOutbox
from proxy.outbox.store import RouteHeld
from proxy.store.keys import Keys
from tests.fakes.clock import HandClock
from tests.unit.outbox.store_contract import ENTRY, NOW, message
from tests.unit.store.test_keys import OLD, ROTATED

T = TypeVar("T")

ROUTES = ("a", "b")
MEMORY = Path("/dev/shm")
"Thousands of commits are slow on a disk."
LIMIT = 4
"Messages of a route."


@dataclass
class Known:
    """What the model knows of one message."""

    id: str
    route: str
    order: bytes | None
    sender_id: bytes
    due_at: float
    expires_at: float
    lifetime: float
    state: str = "waiting"
    begun: bool = False
    attempts: int = 0


class StoreModel(RuleBasedStateMachine):
    """Messages in the order of their acceptance."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY if os.access(MEMORY, os.W_OK) else None))
        self.clock = HandClock(wall=NOW)
        self.messages: list[Known] = []
        self.remembered: dict[tuple[str, bytes], tuple[str, bytes]] = {}
        self.held: set[str] = set()
        self.dead_since: dict[tuple[str, bytes | None], float] = {}
        "Since when the first dead letter of an order has blocked what is behind it."
        self.runner = asyncio.Runner()
        self.keys = Keys()
        self.store: SqliteOutbox

    def run(self, call: Awaitable[T]) -> T:
        """Wait for the store."""

        async def awaited() -> T:
            return await call

        return self.runner.run(awaited())

    @initialize(keys=st.sampled_from([Keys(), OLD, ROTATED]))
    def open(self, keys: Keys) -> None:
        """The first process."""
        self.keys = keys
        self.store = self.run(SqliteOutbox.open(self.folder, keys=keys, clock=self.clock))

    @rule()
    def restart(self) -> None:
        """Nothing is being delivered any more."""
        self.run(self.store.close())
        self.open(self.keys)
        for each in self.messages:
            if each.state == "delivering":
                each.state = "waiting"

    @rule(seconds=st.sampled_from([1.0, 30.0, 400.0]))
    def wait(self, seconds: float) -> None:
        """Not for what a dead letter blocks."""
        self.clock.advance(seconds)
        for each in self.messages:
            if each.state != "dead" and self.is_blocked(each):
                each.expires_at += seconds

    @rule(route=st.sampled_from(ROUTES), most=st.integers(1, 3))
    def expire(self, route: str, most: int) -> None:
        """What is behind one does not age from its end on."""
        now, looked, code = self.clock.wall(), None, DeadLetterCode.UNCERTAIN
        found: list[str] = []
        while looked is None or not looked.is_whole:
            looked = self.run(self.store.expire(route, most=most, now=now, interrupted=code))
            found += [each.id for each in looked.messages]
        while over := [each for each in self.ageing(route) if each.expires_at <= now]:
            known = min(over, key=lambda each: (each.expires_at, self.messages.index(each)))
            found.remove(known.id)
            self.die(known, known.expires_at)
            known.begun = False
        assert found == []
        if ends := [each.expires_at for each in self.ageing(route)]:
            assert looked.next_at is not None
            assert now < looked.next_at <= min(ends)

    @rule(
        route=st.sampled_from(ROUTES),
        order=st.sampled_from([None, None, b"x", b"y"]),
        sender_id=st.sampled_from([b"", b"", b"1", b"2"]),
        content=st.sampled_from([b"one", b"two"]),
    )
    def accept(self, route: str, order: bytes | None, sender_id: bytes, content: bytes) -> None:
        """Once for each id, up to the limit."""
        now = self.clock.wall()
        new = message(
            route=route,
            order=order,
            sender_id=sender_id,
            content_hash=content,
            remember=1e9,
            accepted_at=now,
            expires_at=now + 500,
            body=bytes(20_000 if content == b"two" else 20),
        )
        first = self.remembered.get((route, sender_id)) if sender_id else None
        try:
            accepted = self.run(self.store.accept(new, max_messages=LIMIT, max_bytes=1 << 30))
        except MessageIdReused:
            assert first is not None
            assert first[1] != content
        except OutboxFull:
            assert first is None
            assert len(self.of(route)) == LIMIT
        else:
            assert accepted.is_new == (first is None)
            if first is not None:
                assert (accepted.id, content) == first
                return
            assert len(self.of(route)) < LIMIT
            self.messages.append(Known(new.id, route, order, sender_id, now, now + 500, 500))
            if sender_id:
                self.remembered[route, sender_id] = (new.id, content)

    @rule(route=st.sampled_from(ROUTES), most=st.integers(1, 3))
    def take(self, route: str, most: int) -> None:
        """Due longest first."""
        now = self.clock.wall()
        found = self.run(self.store.take(route, most=most, now=now))
        expected = sorted(self.due(route, now), key=lambda each: (self.due_at(each), self.messages.index(each)))[:most]
        assert [(each.id, each.attempts, each.interrupted, each.expires_at) for each in found] == [
            (each.id, each.attempts, each.begun, each.expires_at) for each in expected
        ]
        for each in expected:
            each.state = "delivering"

    @precondition(lambda self: self.in_state("delivering"))
    @rule(
        choice=st.data(), begins=st.booleans(), ending=st.sampled_from(["", "delivered", "deferred", "died", "release"])
    )
    def deliver(self, choice: st.DataObject, ending: str, *, begins: bool) -> None:
        """It may begin, and may end."""
        known = choice.draw(st.sampled_from(self.in_state("delivering")))
        if begins:
            try:
                self.run(self.store.begin(known.id, self.clock.wall()))
            except RouteHeld:
                assert known.route in self.held
            else:
                assert known.route not in self.held
                known.begun, known.attempts = True, known.attempts + 1
        if ending:
            known.begun = False
        if ending == "delivered":
            self.run(self.store.delivered(known.id))
            self.messages.remove(known)
        elif ending == "deferred":
            known.due_at, known.state = self.clock.wall() + 50, "waiting"
            self.run(self.store.deferred(known.id, next_at=known.due_at, entry=ENTRY))
        elif ending == "died":
            self.die(known, self.clock.wall())
            self.run(self.store.died(known.id, DeadLetterCode.UNCERTAIN, ENTRY))
        elif ending == "release":
            known.state = "waiting"
            self.run(self.store.release(known.id))

    @precondition(lambda self: self.in_state("waiting", "dead"))
    @rule(choice=st.data(), discards=st.booleans())
    def decide(self, choice: st.DataObject, *, discards: bool) -> None:
        """A person retries or discards."""
        known = choice.draw(st.sampled_from(self.in_state("waiting", "dead")))
        now = self.clock.wall()
        if known.state == "dead" and not self.is_blocked(known):
            self.dead_since[known.route, known.order] = now
        if discards:
            self.run(self.store.discard(known.id))
            self.messages.remove(known)
            if self.remembered.get((known.route, known.sender_id), ("",))[0] == known.id:
                del self.remembered[known.route, known.sender_id]
            return
        self.run(self.store.retry(known.id, now))
        known.due_at = now
        if known.state == "dead":
            known.state, known.expires_at = "waiting", now + known.lifetime

    @rule(route=st.sampled_from(ROUTES), held=st.booleans())
    def hold(self, route: str, *, held: bool) -> None:
        """A person holds or resumes a route."""
        self.run(self.store.hold(route) if held else self.store.resume(route))
        (self.held.add if held else self.held.discard)(route)

    @rule()
    def rotate(self) -> None:
        """Another key encrypts."""
        self.keys = ROTATED
        self.run(self.store.replace_keys(ROTATED))

    @invariant()
    def numbers_are_right(self) -> None:
        """Nothing is lost, doubled or misplaced."""
        if not hasattr(self, "store"):
            return
        listed = self.run(self.store.messages(route=None, state=None, limit=99, after=None))
        assert [(each.id, each.state.value) for each in listed] == [(each.id, each.state) for each in self.messages]
        summaries = {each.route: each for each in self.run(self.store.routes())}
        for route in ROUTES:
            if route not in summaries:
                assert not self.of(route)
                assert route not in self.held
                continue
            found = summaries[route]
            states = [each.state for each in self.of(route)]
            numbers = (found.waiting, found.delivering, found.dead, found.held)
            assert numbers == (*map(states.count, ("waiting", "delivering", "dead")), route in self.held)
            due = [self.due_at(each) for each in self.due(route, float("inf"))]
            assert self.run(self.store.next_due(route)) == min(due, default=None)

    def teardown(self) -> None:
        """The last process ends."""
        if hasattr(self, "store"):
            self.run(self.store.close())
        self.runner.close()
        shutil.rmtree(self.folder)

    def of(self, route: str) -> list[Known]:
        """The messages of a route."""
        return [each for each in self.messages if each.route == route]

    def in_state(self, *states: str) -> list[Known]:
        """The messages in these states."""
        return [each for each in self.messages if each.state in states]

    def ahead_of(self, known: Known) -> list[Known]:
        """What stands before it in its order."""
        before = self.messages[: self.messages.index(known)]
        return [each for each in before if each.order == known.order is not None and each.route == known.route]

    def is_blocked(self, known: Known) -> bool:
        """Whether a dead letter stands before it."""
        return any(each.state == "dead" for each in self.ahead_of(known))

    def ageing(self, route: str) -> list[Known]:
        """What waits and is not blocked."""
        return [each for each in self.of(route) if each.state == "waiting" and not self.is_blocked(each)]

    def die(self, known: Known, at: float) -> None:
        """What only it blocks does not age from then on."""
        if known.order is not None and not self.is_blocked(known):
            peers = [each for each in self.of(known.route) if each.order == known.order]
            if any(each.state == "dead" for each in peers):
                at = max(at, self.dead_since[known.route, known.order])
            for each in peers[peers.index(known) + 1 :]:
                if not self.is_blocked(each) and each.state != "dead":
                    each.expires_at += self.clock.wall() - at
            self.dead_since[known.route, known.order] = at
        known.state = "dead"

    def due(self, route: str, now: float) -> list[Known]:
        """What may be taken."""
        waiting = [each for each in self.of(route) if each.state == "waiting" and route not in self.held]
        return [each for each in waiting if self.due_at(each) <= now and not self.ahead_of(each)]

    @staticmethod
    def due_at(known: Known) -> float:
        """A message whose time is over is due."""
        return min(known.due_at, known.expires_at)


StoreModel.TestCase.settings = settings(
    max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestStore = StoreModel.TestCase
