"""Which exchanges get a slot, wait, or are refused."""

import asyncio
from collections.abc import Callable

import pytest

from proxy.errors import Draining, Overloaded, RequestMalformed, SenderLeft
from proxy.forwarding.limits.concurrency import ConcurrencyLimit
from proxy.wire.body import IncomingBody
from proxy.wire.coroutine_runner import CoroutineRunner
from tests.fakes.loop import HandLoop
from tests.fakes.transport import MemoryTransport
from tests.unit.forwarding.world import MemorySender, turns


class Exchange:
    """Acquires a slot, and releases it when told to."""

    def __init__(self, limit: ConcurrencyLimit, *, fails: bool = False) -> None:
        self.sender = MemorySender()
        self.body = IncomingBody(MemoryTransport(), 10)
        self.has_slot = False
        self.error: BaseException | None = None
        self.ended = asyncio.Event()
        self._fails = fails
        self.over = asyncio.Event()
        self.sender.run = CoroutineRunner(self._serve(limit), self._end)
        self.sender.run.start()

    async def _serve(self, limit: ConcurrencyLimit) -> None:
        await limit.acquire(self.sender, self.body)
        try:
            self.has_slot = True
            if not self._fails:
                await asyncio.get_running_loop().create_task(self.ended.wait())
        finally:
            self.has_slot = False
            limit.release()

    def _end(self, error: BaseException | None) -> None:
        self.error = error
        self.over.set()

    @property
    def state(self) -> str:
        """`served`, `waits` or `over`."""
        return "served" if self.has_slot else "over" if self.over.is_set() else "waits"

    async def end(self) -> None:
        """Releases its slot."""
        self.ended.set()
        await turns()


@pytest.fixture
def clock() -> HandLoop:
    """The clock of the deadlines."""
    return HandLoop()


@pytest.fixture
def limit(clock: HandLoop) -> ConcurrencyLimit:
    """One slot, and two that wait ten seconds."""
    return ConcurrencyLimit(most=1, queue=2, patience=10, deadlines=clock.deadlines())


def empty() -> IncomingBody:
    """Makes an empty body."""
    return IncomingBody(MemoryTransport(), 0)


def states(*exchanges: Exchange) -> list[str]:
    """Returns the state of each."""
    return [each.state for each in exchanges]


async def test_who_waits_is_served_in_order(limit: ConcurrencyLimit) -> None:
    """Nobody passes one that waits."""
    first, second, third = (Exchange(limit) for _ in range(3))
    assert (states(first, second, third), limit.waiting) == (["served", "waits", "waits"], 2)

    await first.end()
    assert (states(second, third), limit.waiting) == (["served", "waits"], 1)
    late = Exchange(limit)
    await second.end()
    assert (states(third, late), limit.waiting) == (["served", "waits"], 1)
    await third.end()
    await late.end()
    assert repr(limit) == "<ConcurrencyLimit 1 of 1 free, 0 waiting>"


async def test_a_full_queue_sends_away(limit: ConcurrencyLimit) -> None:
    """At once, and says which options it met."""
    exchanges = [Exchange(limit) for _ in range(4)]

    refusal = exchanges[-1].error
    assert isinstance(refusal, Overloaded)
    assert (refusal.status, refusal.retry_after, refusal.error_type) == (503, 1, "connection_limit_reached")
    assert refusal.detail == (
        "The route serves 1 at a time (`max_concurrency`), and 2 more wait (`queue`); "
        "send again later, or fewer at a time."
    )
    for each in exchanges:
        await each.end()


async def test_without_a_queue_nobody_waits(clock: HandLoop) -> None:
    """The second one is refused."""
    limit = ConcurrencyLimit(most=1, queue=0, patience=10, deadlines=clock.deadlines())
    first, second = Exchange(limit), Exchange(limit)

    assert "there is no queue" in str(second.error)
    await first.end()
    assert Exchange(limit, fails=True).error is None


async def test_patience_has_an_end(limit: ConcurrencyLimit, clock: HandLoop) -> None:
    """It begins with each wait."""
    first, second = Exchange(limit), Exchange(limit)
    clock.advance(6)
    third = Exchange(limit)
    clock.advance(5)

    assert states(first, second, third) == ["served", "over", "waits"]
    assert isinstance(second.error, Overloaded)
    assert "none ended within 10 s (`connect_timeout`)" in second.error.detail
    await first.end()
    assert third.state == "served"
    await third.end()


async def test_a_deadline_that_strikes_after_the_call_changes_nothing(limit: ConcurrencyLimit, clock: HandLoop) -> None:
    """The slot is used."""
    await limit.acquire(MemorySender(), empty())
    called = Exchange(limit)
    limit.release()
    assert called.state == "waits"
    clock.advance(11)
    await turns()

    assert called.state == "served"
    await called.end()


def close_own_side(exchange: Exchange) -> None:
    """Nearly all senders disconnect like this."""
    exchange.sender.half_closed = True
    exchange.sender.wake()


def reset(exchange: Exchange) -> None:
    """The connection is lost."""
    exchange.sender.left = True
    exchange.sender.wake()


def break_body(exchange: Exchange) -> None:
    """The body fails."""
    exchange.body.fail(RequestMalformed("x"))
    exchange.sender.wake()


Going = Callable[[Exchange], None]


@pytest.mark.parametrize(
    ("go", "error"), [(close_own_side, SenderLeft), (reset, SenderLeft), (break_body, RequestMalformed)]
)
async def test_a_sender_that_goes_makes_room_at_once(
    limit: ConcurrencyLimit, go: Going, error: type[Exception]
) -> None:
    """The next exchange gets its slot."""
    await limit.acquire(MemorySender(), empty())
    first, second = Exchange(limit), Exchange(limit)
    go(first)
    assert (type(first.error), limit.waiting) == (error, 1)

    third = Exchange(limit)
    assert (states(second, third), limit.waiting) == (["waits", "waits"], 2)
    limit.release()
    go(second)
    await turns()
    assert (type(second.error), third.state) == (error, "served")
    await third.end()


async def test_one_that_is_gone_already_does_not_wait(limit: ConcurrencyLimit) -> None:
    """It would only waste its turn."""
    first = Exchange(limit)
    sender = MemorySender()
    sender.half_closed = True
    with pytest.raises(SenderLeft):
        await limit.acquire(sender, empty())
    assert limit.waiting == 0
    await first.end()


async def test_other_changes_wake_nobody_for_good(limit: ConcurrencyLimit) -> None:
    """More of its body arrived."""
    first, second = Exchange(limit), Exchange(limit)
    second.body.push(b"x")
    second.sender.wake()

    assert second.state == "waits"
    await first.end()
    await second.end()
    assert repr(limit) == "<ConcurrencyLimit 1 of 1 free, 0 waiting>"


async def test_when_it_closes_all_that_wait_are_told(limit: ConcurrencyLimit) -> None:
    """An exchange with a slot keeps it."""
    first, second, third = (Exchange(limit) for _ in range(3))
    limit.close()

    assert states(first, second, third) == ["served", "over", "over"]
    assert [type(each.error) for each in (second, third)] == [Draining, Draining]
    assert isinstance(Exchange(limit).error, Overloaded)
    await first.end()
    assert Exchange(limit, fails=True).error is None


async def test_a_thousand_that_fail_at_once_do_not_call_each_other(clock: HandLoop) -> None:
    """Each continues in its own turn."""
    limit = ConcurrencyLimit(most=1, queue=2000, patience=10, deadlines=clock.deadlines())
    first = Exchange(limit)
    others = [Exchange(limit, fails=True) for _ in range(2000)]
    await first.end()
    async with asyncio.timeout(30):
        await others[-1].over.wait()

    assert [each.error for each in others if each.error] == []
    assert repr(limit) == "<ConcurrencyLimit 1 of 1 free, 0 waiting>"


async def test_one_that_is_thrown_away_while_it_waits_leaves_no_trace(limit: ConcurrencyLimit) -> None:
    """This holds before and after it got a slot."""
    first = Exchange(limit)
    coroutines = [limit.acquire(MemorySender(), empty()) for _ in range(2)]
    for each in coroutines:
        each.send(None)
    coroutines[1].close()
    assert limit.waiting == 1
    await first.end()
    coroutines[0].close()

    assert repr(limit) == "<ConcurrencyLimit 1 of 1 free, 0 waiting>"
