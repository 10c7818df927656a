"""When it is looked whether the time of a message is over, and how often."""

import asyncio
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from proxy.config.outbox import OutboxSettings
from proxy.errors import OutboxUnavailable
from proxy.outbox.deliverer import STORE_PAUSE, Deliverer
from proxy.outbox.expiry import LONGEST_SLEEP, MOST, PAUSE, Expiry
from proxy.outbox.message import DeadLetter, DeadLetterCode, Expired
from tests.cases import cases
from tests.fakes.loop import HandLoop


class ScriptedStore:
    """Finds what was scripted."""

    tells_outages = False

    def __init__(self) -> None:
        self.found: list[Expired | Exception] = []
        self.looks: list[tuple[str, int, float, DeadLetterCode]] = []

    async def expire(self, route: str, *, most: int, now: float, interrupted: DeadLetterCode) -> Expired:
        """What was scripted."""
        self.looks.append((route, most, now, interrupted))
        found = self.found.pop(0) if self.found else Expired(messages=(), is_whole=True, next_at=None)
        if isinstance(found, Exception):
            raise found
        return found


class Log:
    """Counts what is logged."""

    def __init__(self) -> None:
        self.logger = self
        self.told: list[str] = []

    def error(self, event: str, **_: Any) -> None:
        """Note it."""
        self.told.append(event)

    info = error


def dead(number: int) -> DeadLetter:
    """A message that has died."""
    return DeadLetter(id=f"{number}", code=DeadLetterCode.EXPIRED, attempts=0, accepted_at=0.0)


@pytest.fixture
def clock() -> HandLoop:
    """The clock of everything."""
    return HandLoop()


@pytest.fixture
def store() -> ScriptedStore:
    """The store."""
    return ScriptedStore()


@pytest.fixture
def log() -> Log:
    """The log."""
    return Log()


@pytest.fixture
async def expiry(clock: HandLoop, store: ScriptedStore, log: Log) -> AsyncIterator[Expiry]:
    """One that has not begun."""
    made: Callable[..., Deliverer] = Deliverer
    metrics = SimpleNamespace(count_delivery=lambda *_: None)
    deliverer = made(store, clock=clock, timer=clock, log=log, metrics=metrics, random=lambda: 1.0)
    expiry = Expiry("orders", OutboxSettings(), deliverer, crashed=lambda error: log.error(type(error).__name__))
    yield expiry
    expiry.stop()


async def turns() -> None:
    """Let it come to rest."""
    for _ in range(10):
        await asyncio.sleep(0)


async def begin(expiry: Expiry) -> None:
    """Its first look."""
    expiry.start()
    await turns()


async def test_nothing_waits_for_nothing(expiry: Expiry, store: ScriptedStore, clock: HandLoop) -> None:
    """There is no timer."""
    await begin(expiry)
    assert store.looks == [("orders", MOST, clock.wall(), DeadLetterCode.UNCERTAIN)]
    assert clock.pauses == []


@cases("seconds, pause", (0.25, 0.25), (7.0, 7.0), (500.0, LONGEST_SLEEP), (-1.0, PAUSE))
async def test_it_looks_when_the_store_says_so(
    expiry: Expiry, store: ScriptedStore, clock: HandLoop, *, seconds: float, pause: float
) -> None:
    """In a minute at the latest, and not at once again."""
    store.found = [Expired(messages=(), is_whole=True, next_at=clock.wall() + seconds)]
    await begin(expiry)
    assert clock.pauses == [pause]
    clock.advance(pause)
    await turns()
    assert len(store.looks) == 2


async def test_more_are_looked_for_at_once(expiry: Expiry, store: ScriptedStore, clock: HandLoop, log: Log) -> None:
    """Then there is a pause."""
    store.found = [
        Expired(messages=(dead(1), dead(2)), is_whole=False, next_at=clock.wall()),
        Expired(messages=(), is_whole=False, next_at=clock.wall()),
        Expired(messages=(dead(3),), is_whole=True, next_at=clock.wall() + 0.1),
    ]
    await begin(expiry)
    assert (len(store.looks), log.told, clock.pauses) == (3, ["message.died"] * 3, [PAUSE])


async def test_what_changes_is_looked_at_soon(expiry: Expiry, store: ScriptedStore, clock: HandLoop) -> None:
    """Once, however much changes."""
    await begin(expiry)
    for _ in range(5):
        expiry.changed()
    assert clock.pauses == [PAUSE]
    clock.advance(PAUSE)
    await turns()
    assert (len(store.looks), clock.pauses) == (2, [])
    clock.advance(100)
    expiry.changed()
    clock.advance(0)
    await turns()
    assert len(store.looks) == 3


async def test_a_message_that_was_accepted_is_looked_at_in_time(
    expiry: Expiry, store: ScriptedStore, clock: HandLoop
) -> None:
    """The first to die decides."""
    await begin(expiry)
    for seconds in (30.0, 50.0, 20.0, 1e6):
        expiry.accepted(seconds)
    assert (clock.pauses, len(store.looks)) == ([20.0], 1)


async def test_a_store_that_fails_is_asked_again(
    expiry: Expiry, store: ScriptedStore, clock: HandLoop, log: Log
) -> None:
    """And so it is after a fault of ours."""
    store.found = [OutboxUnavailable("away"), OutboxUnavailable("away"), TypeError()]
    await begin(expiry)
    assert (log.told, clock.pauses) == (["store.unreachable"], [STORE_PAUSE])
    for _ in range(3):
        clock.advance(STORE_PAUSE)
        await turns()
    assert (log.told, len(store.looks)) == (["store.unreachable", "TypeError", "store.reached"], 4)


async def test_repeatable_messages_are_expired_whatever_was_sent(expiry: Expiry, store: ScriptedStore) -> None:
    """They would have been sent again."""
    expiry.settings = OutboxSettings(repeatable=True)
    await begin(expiry)
    assert store.looks[0][3] is DeadLetterCode.EXPIRED


async def test_after_a_stop_it_does_not_look(expiry: Expiry, store: ScriptedStore, clock: HandLoop) -> None:
    """Not even for more."""
    store.found = [Expired(messages=(), is_whole=True, next_at=clock.wall() + 5)]
    await begin(expiry)
    expiry.stop()
    expiry.accepted(1.0)
    expiry.changed()
    clock.advance(60)
    await turns()
    assert (len(store.looks), clock.pauses) == (1, [])
