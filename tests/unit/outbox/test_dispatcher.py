"""How many messages are taken, which begin, and which are given back."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from proxy.config.outbox import OutboxSettings
from proxy.outbox import dispatcher as dispatching
from proxy.outbox.circuit_breaker import CircuitBreaker
from proxy.outbox.deliverer import Deliverer
from proxy.outbox.dispatcher import MOST_UNSTORED, SOON, Dispatcher
from tests.cases import cases
from tests.fakes.loop import HandLoop

CONCURRENCY = 4


class ScriptedStore:
    """Answers at once, or later."""

    def __init__(self) -> None:
        self.due: deque[str] = deque()
        self.asked: list[int] = []
        self.slow: asyncio.Future[None] | None = None

    async def take(self, _: str, *, most: int, now: float) -> Sequence[str]:
        """So many of those that are due."""
        del now
        self.asked.append(most)
        taken = [self.due.popleft() for _ in range(min(most, len(self.due)))]
        if self.slow is not None:
            await self.slow
        return taken

    async def next_due(self, _: str) -> float | None:
        """Nothing will be due by itself."""
        return None


class RecordedDelivery:
    """Goes on when the test says so."""

    def __init__(self, message: str, *_: object, **told: Any) -> None:
        self.message, self._told = message, told
        MADE.append(self)
        self.state = "made"

    def start(self) -> None:
        """Begin."""
        self.state = "begun"

    def give_back(self) -> None:
        """Do not begin."""
        self.state = "given back"

    def answer(self) -> None:
        """Have the upstream answer."""
        self.state = "answered"
        self._told["answered"](self)

    def end(self) -> None:
        """Have its end stored."""
        self._told["ended"](self)


MADE: list[RecordedDelivery] = []


def messages(state: str) -> str:
    """Those of deliveries in this state."""
    return "".join(each.message for each in MADE if each.state == state)


@pytest.fixture
def clock() -> HandLoop:
    """The clock of everything."""
    return HandLoop()


@pytest.fixture
def store() -> ScriptedStore:
    """The store."""
    return ScriptedStore()


@pytest.fixture
def deliverer(clock: HandLoop, store: ScriptedStore) -> Deliverer:
    """What deliveries share."""
    made: Callable[..., Deliverer] = Deliverer
    return made(store, clock=clock, timer=clock, log=SimpleNamespace(), metrics=None, random=lambda: 1.0)


ROUTE = SimpleNamespace(name="orders", source="source", pool="pool")


@pytest.fixture
async def dispatcher(monkeypatch: pytest.MonkeyPatch, deliverer: Deliverer) -> AsyncIterator[Dispatcher]:
    """One that has begun, with nothing due."""
    MADE.clear()
    monkeypatch.setattr(dispatching, "RunningDelivery", RecordedDelivery)
    dispatcher = Dispatcher(cast("Any", ROUTE), OutboxSettings(concurrency=CONCURRENCY), deliverer)
    dispatcher.start()
    await turns()
    yield dispatcher
    dispatcher.stop()


async def turns() -> None:
    """Let the dispatcher come to rest."""
    for _ in range(10):
        await asyncio.sleep(0)


async def looks(dispatcher: Dispatcher, store: ScriptedStore, due: str) -> None:
    """Let it look at what is due now."""
    store.due.extend(due)
    dispatcher.changed()
    await turns()


def breaker(deliverer: Deliverer) -> CircuitBreaker:
    """That of the upstream."""
    return deliverer.breakers_of(cast("Any", ROUTE))[1]


async def test_while_nothing_is_answered_nothing_is_taken_ahead(dispatcher: Dispatcher, store: ScriptedStore) -> None:
    """People can decide about the others."""
    await looks(dispatcher, store, "abcdefgh")
    assert (messages("begun"), dispatcher.running, "".join(store.due)) == ("abcd", 4, "efgh")


async def test_after_an_answer_the_next_begins_at_once(dispatcher: Dispatcher, store: ScriptedStore) -> None:
    """Others were taken ahead, some together."""
    await looks(dispatcher, store, "abcdefghijklmnop")
    MADE[0].answer()
    await turns()
    assert (messages("begun"), "".join(store.due)) == ("bcde", "jklmnop")
    MADE[1].answer()
    assert messages("begun") == "cdef"
    await turns()
    assert "".join(store.due) == "jklmnop"
    MADE[2].answer()
    await turns()
    assert (messages("begun"), "".join(store.due)) == ("defg", "lmnop")
    assert store.asked == [4, 4, 5, 2]


async def test_what_does_not_begin_soon_is_given_back(
    dispatcher: Dispatcher, store: ScriptedStore, clock: HandLoop
) -> None:
    """Unless answers still come."""
    await looks(dispatcher, store, "abcdefghi")
    MADE[0].answer()
    await turns()
    clock.advance(SOON / 2)
    MADE[1].answer()
    clock.advance(SOON / 2)
    assert messages("given back") == ""
    clock.advance(SOON)
    assert (messages("begun"), messages("given back")) == ("cdef", "ghi")
    await looks(dispatcher, store, "ghi")
    assert "".join(store.due) == "ghi"


async def test_what_was_taken_ahead_does_not_begin_if_its_upstream_is_away(
    dispatcher: Dispatcher, store: ScriptedStore, deliverer: Deliverer
) -> None:
    """It would be many probes instead of one."""
    await looks(dispatcher, store, "abcdefghi")
    MADE[0].answer()
    await turns()
    breaker(deliverer).failed(10, by_probe=False)
    MADE[1].answer()
    assert (messages("begun"), messages("given back")) == ("cde", "fghi")


async def test_a_probe_is_alone(
    dispatcher: Dispatcher, store: ScriptedStore, deliverer: Deliverer, clock: HandLoop
) -> None:
    """Until it has ended."""
    breaker(deliverer).failed(10, by_probe=False)
    await looks(dispatcher, store, "abc")
    assert messages("begun") == ""
    clock.advance(10)
    await turns()
    assert (messages("begun"), store.asked[-1]) == ("a", 1)


async def test_ends_that_cannot_be_stored_hold_up_the_next(dispatcher: Dispatcher, store: ScriptedStore) -> None:
    """So there are never too many of them."""
    await looks(dispatcher, store, "a" * 100)
    while running := [each for each in MADE if each.state == "begun"]:
        running[0].answer()
        await turns()
    assert len(messages("answered")) == MOST_UNSTORED + CONCURRENCY - 1
    for each in MADE[:CONCURRENCY]:
        each.end()
    await turns()
    assert len(messages("begun")) == CONCURRENCY


async def test_a_stop_gives_back_what_has_not_begun(dispatcher: Dispatcher, store: ScriptedStore) -> None:
    """Also when an answer comes later."""
    await looks(dispatcher, store, "abcdefghi")
    MADE[0].answer()
    await turns()
    dispatcher.stop()
    MADE[1].answer()
    await turns()
    assert (messages("begun"), messages("given back")) == ("cde", "fghi")


@cases("is_away", False, True)
async def test_a_stop_gives_back_what_the_store_hands_over_meanwhile(
    dispatcher: Dispatcher, store: ScriptedStore, deliverer: Deliverer, clock: HandLoop, *, is_away: bool
) -> None:
    """A probe that did not begin is free again."""
    if is_away:
        breaker(deliverer).failed(10, by_probe=False)
        clock.advance(10)
    store.slow = asyncio.get_running_loop().create_future()
    await looks(dispatcher, store, "a")
    store.slow.set_result(None)
    dispatcher.stop()
    await turns()
    assert (messages("begun"), messages("given back")) == ("", "a")
    assert breaker(deliverer).begin_probe(lambda: None)
