"""The leases of messages, with replicas that die, stand still and have clocks of their own, against a model of them."""

import asyncio
import os
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from proxy.outbox.message import DeadLetterCode
from proxy.outbox.postgres.leases import LEASE
from proxy.outbox.postgres.store import PostgresOutbox
from proxy.outbox.store import MessageBusy, RouteHeld, TakenOver
from proxy.store.postgres import migrations
from proxy.store.postgres.connecting import Server
from proxy.store.postgres.database import Database
from proxy.store.postgres.names import NameKey
from tests.fakes.clock import HandClock
from tests.fakes.database_clock import DatabaseClock
from tests.fakes.postgres import PostgresServer
from tests.unit.oauth.world import Lines
from tests.unit.outbox.postgres.conftest import never
from tests.unit.outbox.store_contract import ENTRY, NOW, message
from tests.unit.store.test_keys import ROTATED

pytestmark = pytest.mark.needs("postgresql")

T = TypeVar("T")

REPLICAS = 3
ROUTES = ("a", "a", "b")
"The first has most of the messages."
LIFETIME = 500.0
ENDINGS = ("delivered", "deferred", "died", "release")
NUMBERS = st.integers(0, 9)
MANY = bool(os.environ.get("PROVE"))
EMPTY = """
TRUNCATE cpi_proxy_outbox_messages, cpi_proxy_outbox_routes, cpi_proxy_outbox_history, cpi_proxy_outbox_pauses,
    cpi_proxy_outbox_pieces, cpi_proxy_outbox_loose RESTART IDENTITY
"""
ROWS = """
SELECT id, place, free_at, owner IS NOT NULL, begun, attempts FROM cpi_proxy_outbox_messages ORDER BY seq
"""
IDS = (f"l{number:08}" for number in count())


class World:
    """A database with a clock, and the replicas' connections."""

    def __init__(self, server: PostgresServer, name: str) -> None:
        DatabaseClock(server, name, wall=NOW)
        self.runner = asyncio.Runner()
        self.lines = Lines()
        self.admin = psycopg.connect(f"host={server.folder} port={server.port} user=postgres dbname={name}")
        self.admin.autocommit = True
        place = Server(server.url(name), server.password_file)
        self.names = [NameKey(lambda: ROTATED, rejected=_never) for _ in range(REPLICAS)]
        self.databases = [
            Database(place, (migrations.migrate, each.load), log=self.lines, within=30) for each in self.names
        ]
        for each in self.databases:
            self.run(each.start(30))

    def run(self, call: Awaitable[T]) -> T:
        """Wait for a call."""

        async def awaited() -> T:
            return await call

        return self.runner.run(awaited())

    def empty(self) -> None:
        """Begin anew."""
        self.admin.execute(EMPTY)
        self.set_time(NOW)

    def set_time(self, now: float) -> None:
        """Set the database's clock."""
        self.admin.execute("UPDATE test_time.now SET at = %s", (now,))

    def close(self) -> None:
        """End all connections."""
        for each in self.databases:
            self.run(each.close())
        self.admin.close()
        self.runner.close()


@dataclass(eq=False)
class Replica:
    """A process, and what it believes to have."""

    number: int
    clock: HandClock
    store: PostgresOutbox
    has: dict[str, int] = field(default_factory=dict)
    "The fence of each message that it has taken and not settled."


@dataclass(eq=False)
class Known:
    """A message. Times are the database's."""

    id: str
    route: str
    order: bytes | None
    due_at: float
    expires_at: float
    free_at: float
    "When it can be taken: when it is due, or its lease ends."
    owner: Replica | None = None
    fence: int = 0
    dead: bool = False
    begun: bool = False
    attempts: int = 0
    received: int = 0
    "How often an upstream may have got it."
    excused: int = 0
    "How often it may have got it again: an attempt failed, or its replica lost the message."

    def place(self, ahead: list["Known"]) -> int:
        """0 for a head, 1 behind another, 2 for a dead one."""
        return 2 if self.dead else int(bool(ahead))

    @property
    def progress(self) -> tuple[bool, bool, int]:
        """Has somebody, has begun, how often."""
        return self.owner is not None, self.begun, self.attempts


class LeaseModel(RuleBasedStateMachine):
    """Messages in the order of their acceptance."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.run = self.world.run
        self.steps = 0
        self.now = NOW
        self.messages: list[Known] = []
        self.gone: set[str] = set()
        self.route_of: dict[str, str] = {}
        self.held: set[str] = set()
        self.replicas: list[Replica] = []
        self.zombies: list[Replica] = []

    @initialize(skews=st.lists(st.integers(-600, 600), min_size=REPLICAS, max_size=REPLICAS))
    def start(self, skews: list[int]) -> None:
        """Clocks differ; one replica has messages."""
        self.world.empty()
        self.replicas = [self.started(number, NOW + skew) for number, skew in enumerate(skews)]
        for number, order in enumerate((None, b"x", b"x", None)):
            self.accept(number % REPLICAS, "a", order)
        self.take(0, "a", 2, begins=False)

    def started(self, number: int, wall: float) -> Replica:
        """A new process."""
        clock = HandClock(wall=wall)
        world = self.world
        store = PostgresOutbox(
            world.databases[number],
            world.names[number],
            lambda: ROTATED,
            clock=clock,
            log=world.lines,
            rejected=_never,
            sleep=never,
        )

        async def start() -> None:
            store.start()

        self.run(start())
        return Replica(number, clock, store)

    def accept(self, index: int, route: str, order: bytes | None) -> None:
        """The database's time counts."""
        replica = self.replicas[index]
        at = replica.clock.wall()
        body = bytes(20_000 if index else 20)
        new = message(id=next(IDS), route=route, order=order, accepted_at=at, expires_at=at + LIFETIME, body=body)
        told = self.run(replica.store.accept(new, max_messages=99, max_bytes=1 << 30))
        assert (told.accepted_at, told.expires_at) == (self.now, self.now + LIFETIME)
        self.messages.append(Known(new.id, route, order, self.now, self.now + LIFETIME, self.now))
        self.route_of[new.id] = route

    @rule(index=st.integers(0, REPLICAS), route=st.sampled_from(ROUTES), most=st.integers(1, 3), begins=st.booleans())
    def take(self, index: int, route: str, most: int, *, begins: bool) -> None:
        """Due longest first."""
        before = self.having()
        if index == REPLICAS:
            self.take_at_once(route, most)
        else:
            replica = self.replicas[index]
            expected = self.free(replica, route)[:most]
            self.took(replica, self.run(replica.store.take(route, most=most, now=replica.clock.wall())), expected)
        for replica, id_ in self.having() if begins else ():
            if (replica, id_) not in before:
                self.begin(replica, id_)

    def take_at_once(self, route: str, most: int) -> None:
        """No two get the same."""

        async def take() -> list[Any]:
            return await asyncio.gather(
                *(each.store.take(route, most=most, now=each.clock.wall()) for each in self.replicas)
            )

        possible = [self.free(each, route) for each in self.replicas]
        everything = self.run(take())
        ids = [each.id for found in everything for each in found]
        assert len(ids) == len(set(ids))
        for replica, found, free in zip(self.replicas, everything, possible, strict=True):
            assert len(found) == most or {each.id for each in free} <= set(ids)
            by_id = {each.id: each for each in free}
            self.took(replica, found, [by_id[each.id] for each in found])

    @rule(number=NUMBERS)
    def begin_later(self, number: int) -> None:
        """Much may have happened."""
        for replica, id_ in self.chosen(number):
            self.begin(replica, id_)

    def begin(self, replica: Replica, id_: str) -> None:
        """Only what one has, on a route that is not held."""
        known = self.known(id_)
        ours = self.is_ours(replica, known, id_)
        held = self.route_of[id_] in self.held
        if known is not None and known.begun and ours:
            return  # a delivery begins once, and not at all what another may have sent
        try:
            self.run(replica.store.begin(id_, replica.clock.wall()))
        except RouteHeld:
            assert held
        except TakenOver:
            assert not ours
        else:
            assert ours
            assert not held
            assert known is not None
            known.begun, known.attempts = True, known.attempts + 1
            known.free_at = self.now + LEASE
            known.received += 1
            assert known.received <= known.excused + 1
            assert not self.ahead_of(known)

    @rule(number=NUMBERS, ending=st.sampled_from(ENDINGS), index=st.integers(0, 3 * REPLICAS))
    def settle(self, number: int, ending: str, index: int) -> None:
        """Only its owner's word counts."""
        for replica, id_ in self.chosen(number):
            self.settle_one(replica, id_, ending, index)

    def settle_one(self, replica: Replica, id_: str, ending: str, index: int) -> None:
        """In a race with another replica, or not."""
        known = self.known(id_)
        if index < REPLICAS and ending in {"delivered", "died"}:
            self.settle_while_another_takes(replica, known, id_, ending, self.replicas[index])
            return
        lines = len(self.world.lines.named("message.taken_over"))
        self.run(self.ended(replica, id_, ending))
        ours = self.is_ours(replica, known, id_)
        del replica.has[id_]
        told = len(self.world.lines.named("message.taken_over")) - lines
        assert told == (not ours and ending != "release")
        if known is not None and ours:
            self.settled(known, ending)

    def settle_while_another_takes(
        self, replica: Replica, known: Known | None, id_: str, ending: str, other: Replica
    ) -> None:
        """One of them is first. What it unblocks may be taken."""
        route = self.route_of[id_]
        before = {each.id: each for each in self.free(other, route)}

        async def race() -> Any:
            taking = other.store.take(route, most=99, now=other.clock.wall())
            return (await asyncio.gather(self.ended(replica, id_, ending), taking))[1]

        ours = self.is_ours(replica, known, id_)
        found = self.run(race())
        del replica.has[id_]
        taken = {each.id for each in found}
        if known is not None and ours and id_ not in taken:
            self.settled(known, ending)
        after = {each.id: each for each in self.free(other, route)}
        assert before.keys() - {id_} <= taken <= before.keys() | after.keys()
        self.took(other, found, [(before | after)[each.id] for each in found])

    @rule(seconds=st.sampled_from([1.0, LEASE - 1, LEASE, LEASE, 400.0]), beating=st.sets(st.integers(0, REPLICAS + 1)))
    def wait(self, seconds: float, beating: set[int]) -> None:
        """Time passes everywhere, but not for what a dead letter blocks. Some heartbeats come, others are lost.

        However late one comes, it extends what its replica still has; so does that of a process that is thought dead.
        """
        self.now += seconds
        self.world.set_time(self.now)
        for each in self.replicas + self.zombies:
            each.clock.advance(seconds)
        for known in self.messages:
            if not known.dead and any(other.dead for other in self.ahead_of(known)):
                known.expires_at += seconds
        for number, replica in enumerate(self.replicas + self.zombies):
            if number in beating:
                self.beat(replica)

    def decide(self, known: Known, replica: Replica, *, discards: bool) -> None:
        """Not what is being delivered."""
        is_busy = self.state_of(known) == "delivering"
        try:
            if discards:
                self.run(replica.store.discard(known.id))
                self.forget(known)
            else:
                self.retried(replica, known)
        except MessageBusy:
            assert is_busy
        else:
            assert not is_busy

    @rule(
        index=st.integers(0, REPLICAS - 1),
        what=st.sampled_from(["accept", "retry", "discard", "die", "stop", "clock", "hold", "resume"]),
        route=st.sampled_from(ROUTES),
        number=NUMBERS,
    )
    def disturb(self, index: int, what: str, route: str, number: int) -> None:
        """What does not happen with each message."""
        replica = self.replicas[index]
        match what:
            case "accept":
                self.accept(index, route, (None, b"x", b"y")[number % 3])
            case "retry" | "discard" if self.messages:
                known = self.messages[number % len(self.messages)]
                self.decide(known, replica, discards=what == "discard")
            case "die":
                self.die(index)
            case "stop":
                self.stop(index)
            case "clock":
                replica.clock.set_wall(-600.0 if number % 2 else 600.0)
            case "hold" | "resume":
                self.hold(index, route, held=what == "hold")

    @invariant()
    def the_database_is_as_the_model(self) -> None:
        """Nothing is lost, doubled or misplaced."""
        found = self.world.admin.execute(ROWS).fetchall()
        assert found == [
            (each.id, each.place(self.ahead_of(each)), pytest.approx(each.free_at, abs=1e-3), *each.progress)
            for each in self.messages
        ]
        self.steps += 1
        if self.replicas and self.steps % 4 == 0:
            self.all_replicas_see_the_same()
            self.each_knows_when_something_is_due()

    def all_replicas_see_the_same(self) -> None:
        """Messages and their numbers."""
        store = self.replicas[len(self.messages) % REPLICAS].store
        listed = self.run(store.messages(route=None, state=None, limit=99, after=None))
        assert [(each.id, each.state.value, each.attempts) for each in listed] == [
            (each.id, self.state_of(each), each.attempts) for each in self.messages
        ]
        summaries = {each.route: each for each in self.run(store.routes())}
        for route in ROUTES[1:]:
            states = [self.state_of(each) for each in self.messages if each.route == route]
            if route not in summaries:
                assert (states, route in self.held) == ([], False)
                continue
            found = summaries[route]
            numbers = (found.waiting, found.delivering, found.dead, found.held)
            assert numbers == (*map(states.count, ("waiting", "delivering", "dead")), route in self.held)

    def each_knows_when_something_is_due(self) -> None:
        """By its own clock."""
        for route in ROUTES[1:]:
            replica = self.replicas[self.steps % REPLICAS]
            due = [each.free_at for each in self.heads(route) if each.id not in replica.has]
            expected = None if not due or route in self.held else min(due) - self.now + replica.clock.wall()
            assert self.run(replica.store.next_due(route)) == pytest.approx(expected, abs=1e-3)

    def teardown(self) -> None:
        """At last all is delivered, once and in order."""
        if not self.replicas:
            return
        for route in ROUTES[1:]:
            self.hold(0, route, held=False)
        self.wait(LEASE + LIFETIME, set())
        for known in [each for each in self.messages if each.dead]:
            self.retried(self.replicas[0], known)
        self.zombies += self.replicas
        self.replicas = [self.started(number, self.now) for number in range(REPLICAS)]
        while self.messages:
            self.deliver_some()
        assert self.run(self.replicas[0].store.routes()) == []
        for each in self.replicas + self.zombies:
            self.run(each.store.close())

    def deliver_some(self) -> None:
        """At least one message."""
        for route in ROUTES[1:]:
            self.take_at_once(route, 3)
        taken = [(replica, id_) for replica in self.replicas for id_ in replica.has]
        assert taken
        for replica, id_ in taken:
            self.run(replica.store.delivered(id_))
            del replica.has[id_]
            self.forget(next(each for each in self.messages if each.id == id_))

    def die(self, index: int) -> None:
        """Another process takes its place."""
        dead = self.replicas[index]
        self.zombies.append(dead)
        self.replicas[index] = self.started(dead.number, self.now)

    def stop(self, index: int) -> None:
        """It gives back what it has; what has begun stays begun."""
        stopped = self.replicas[index]
        self.run(stopped.store.close())
        for known in self.messages:
            if known.owner is stopped:
                known.owner, known.free_at = None, known.due_at
        self.replicas[index] = self.started(stopped.number, self.now)

    def hold(self, index: int, route: str, *, held: bool) -> None:
        """What has not begun goes back."""
        store = self.replicas[index].store
        self.run(store.hold(route) if held else store.resume(route))
        (self.held.add if held else self.held.discard)(route)
        for known in self.messages if held else ():
            if known.route == route and known.owner is not None and not known.begun:
                known.owner, known.free_at = None, known.due_at

    def beat(self, replica: Replica) -> None:
        """A heartbeat."""
        self.run(replica.store._leases.extend())
        for known in self.messages:
            if self.is_ours(replica, known, known.id):
                known.free_at = self.now + LEASE

    def took(self, replica: Replica, found: Any, expected: list[Known]) -> None:
        """A replica was given this."""
        offset = replica.clock.wall() - self.now
        told = [(each.id, each.attempts, each.interrupted, each.expires_at - offset) for each in found]
        assert told == [
            (each.id, each.attempts, each.begun, pytest.approx(each.expires_at, abs=1e-3)) for each in expected
        ]
        for known in expected:
            assert known.id not in self.gone
            assert not self.ahead_of(known)
            known.excused += known.begun
            known.owner, known.fence, known.free_at = replica, known.fence + 1, self.now + LEASE
            replica.has[known.id] = known.fence

    def settled(self, known: Known, ending: str) -> None:
        """Note the end of a delivery."""
        known.owner, known.free_at = None, max(known.due_at, self.now)
        known.excused += known.begun
        known.begun = False
        if ending == "delivered":
            self.forget(known)
        elif ending == "deferred":
            known.due_at = known.free_at = min(self.now + 50, known.expires_at)
        elif ending == "died":
            known.dead, known.free_at = True, known.due_at

    def retried(self, replica: Replica, known: Known) -> None:
        """A person has a message delivered again."""
        self.run(replica.store.retry(known.id, replica.clock.wall()))
        known.owner = None
        if known.dead:
            known.dead, known.expires_at = False, self.now + LIFETIME
        known.due_at = known.free_at = min(self.now, known.expires_at)

    def forget(self, known: Known) -> None:
        """A message has gone for good."""
        self.messages.remove(known)
        assert known.id not in self.gone
        self.gone.add(known.id)

    async def ended(self, replica: Replica, id_: str, ending: str) -> None:
        """As the replica says."""
        store, wall = replica.store, replica.clock.wall()
        match ending:
            case "delivered":
                await store.delivered(id_)
            case "deferred":
                await store.deferred(id_, next_at=wall + 50, entry=ENTRY)
            case "died":
                await store.died(id_, DeadLetterCode.UNCERTAIN, ENTRY)
            case _:
                await store.release(id_)

    def having(self) -> list[tuple[Replica, str]]:
        """Who believes to have what."""
        return [(replica, id_) for replica in self.replicas + self.zombies for id_ in replica.has]

    def chosen(self, number: int) -> list[tuple[Replica, str]]:
        """One, if any. What is drawn must not depend on a race."""
        having = self.having()
        return having[number % len(having) :][:1] if having else []

    def known(self, id_: str) -> Known | None:
        """The message, unless it is gone."""
        return next((each for each in self.messages if each.id == id_), None)

    def is_ours(self, replica: Replica, known: Known | None, id_: str) -> bool:
        """It may only believe so."""
        return known is not None and known.owner is replica and replica.has.get(id_) == known.fence

    def ahead_of(self, known: Known) -> list[Known]:
        """What stands before it in its order."""
        before = self.messages[: self.messages.index(known)]
        return [each for each in before if each.order == known.order is not None and each.route == known.route]

    def heads(self, route: str) -> list[Known]:
        """Neither behind another nor dead."""
        return [each for each in self.messages if each.route == route and not each.dead and not self.ahead_of(each)]

    def free(self, replica: Replica, route: str) -> list[Known]:
        """What it may take, in order."""
        heads = [] if route in self.held else self.heads(route)
        free = [each for each in heads if each.free_at <= self.now and each.id not in replica.has]
        return sorted(free, key=lambda each: (each.free_at, self.messages.index(each)))

    def state_of(self, known: Known) -> str:
        """What people see."""
        if known.dead:
            return "dead"
        return "delivering" if known.owner is not None and known.free_at > self.now else "waiting"


def _never(error: ValueError) -> None:
    """All have the same keys."""
    raise AssertionError(error)


@pytest.fixture
def world(postgres_server: PostgresServer, database: str) -> Iterator[World]:
    """Making one for each example would take long."""
    made = World(postgres_server, database)
    yield made
    made.close()


@pytest.mark.timeout(3600 if MANY else 300)
def test_the_leases_are_those_of_the_model(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One has a message, and no other word counts."""
    monkeypatch.setattr(LeaseModel, "world", world, raising=False)
    run_state_machine_as_test(
        LeaseModel,
        settings=settings(
            max_examples=300 if MANY else 10,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink] if MANY else [Phase.generate],
        ),
    )
