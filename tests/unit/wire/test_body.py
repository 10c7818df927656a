"""A body between its connection and its exchange."""

import asyncio
import random
import tracemalloc
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.body import HIGH_WATER, SMALL, IncomingBody, Pieces
from proxy.wire.coroutine_runner import CoroutineRunner
from tests.cases import cases
from tests.fakes.transport import MemoryTransport


class Reading:
    """An exchange that reads a body to its end."""

    def __init__(self, body: IncomingBody) -> None:
        self.body = body
        self.pieces: list[bytes] = []
        self.error: BaseException | None = None
        self.over = False
        self.run = CoroutineRunner(self._read(), self._ended)
        self.run.start()

    def _read(self) -> Coroutine[Any, Any, None]:
        async def read() -> None:
            while piece := await self.body.read():
                self.pieces.append(piece)

        return read()

    def _ended(self, error: BaseException | None) -> None:
        self.error, self.over = error, True


@pytest.fixture
def transport() -> MemoryTransport:
    """What can be paused."""
    return MemoryTransport()


@pytest.fixture
def body(transport: MemoryTransport) -> IncomingBody:
    """A body of unknown length."""
    return IncomingBody(transport, None)


def test_what_lies_there_is_taken_at_once(body: IncomingBody) -> None:
    """One piece as it is, several joined."""
    body.push(b"ab")
    assert body.consume() == b"ab"
    body.push(b"c")
    body.push(b"d")

    assert (body.consume(), body.consume(), body.received) == (b"cd", b"", 4)


def test_the_reader_gets_each_piece_when_it_comes(body: IncomingBody) -> None:
    """And ends with the body."""
    reading = Reading(body)
    for piece in (b"a", b"b"):
        body.push(piece)
        reading.run.wake()
    assert (reading.pieces, reading.over) == ([b"a", b"b"], False)

    body.end()
    reading.run.wake()

    assert (reading.pieces, reading.over, reading.error) == ([b"a", b"b"], True, None)


def test_a_ring_without_news_is_no_end(body: IncomingBody) -> None:
    """The reader looks and waits on."""
    reading = Reading(body)
    reading.run.wake()

    assert not reading.over


def test_what_came_before_a_failure_is_read_first(body: IncomingBody) -> None:
    """The first failure counts."""
    first = LookupError("first")
    body.push(b"a")
    body.fail(first)
    body.fail(LookupError("second"))
    reading = Reading(body)

    assert (reading.pieces, reading.error) == ([b"a"], first)


def test_nothing_goes_wrong_with_a_body_that_has_ended(body: IncomingBody) -> None:
    """The sender may leave then."""
    body.push(b"a")
    body.end()
    body.fail(LookupError())

    assert (body.failure, Reading(body).pieces) == (None, [b"a"])


def test_a_tap_gets_what_is_consumed_once(body: IncomingBody) -> None:
    """A recorded exchange has one."""
    copied: list[bytes] = []
    body.tap = copied.append
    for piece in (b"a", b"b"):
        body.push(piece)
    assert (body.consume(), body.consume()) == (b"ab", b"")
    body.push(b"c")
    body.end()
    body.consume()
    assert copied == [b"ab", b"c"]


@cases(
    "change, waiting",
    {
        "before anything has come": (lambda _: None, True),
        "when something lies there": (lambda body: body.push(b"a"), False),
        "at its end": (lambda body: body.end(), False),
        "after a failure": (lambda body: body.fail(LookupError()), False),
    },
)
def test_reading_waits_only(change: Any, body: IncomingBody, *, waiting: bool) -> None:
    """Whether `read` would wait can be asked."""
    change(body)

    assert body.waiting is waiting


def test_the_socket_is_read_up_to_the_mark_and_again_after_taking(
    body: IncomingBody, transport: MemoryTransport
) -> None:
    """Memory is bounded."""
    states = []
    for piece in (b"a" * HIGH_WATER, b"b", b"c"):
        body.push(piece)
        states.append((transport.reading, body.paused))
    body.consume()
    states.append((transport.reading, body.paused))

    assert states == [(True, False), (False, True), (False, True), (True, False)]


def test_a_sender_that_waits_to_be_asked_is_asked_once_when_the_body_is_wanted(body: IncomingBody) -> None:
    """RFC 9110 §10.1.1."""
    asked: list[str] = []
    body.invite = lambda: asked.append("asked")
    assert body.uninvited

    reading = Reading(body)
    reading.run.wake()
    body.want()

    assert (asked, body.uninvited) == (["asked"], False)


def test_a_sender_that_sends_without_being_asked_is_not_asked(body: IncomingBody) -> None:
    """RFC 9110 §10.1.1."""
    asked: list[str] = []
    body.invite = lambda: asked.append("asked")

    body.push(b"a")
    Reading(body)

    assert asked == []


async def test_a_body_can_be_read_beside_futures(body: IncomingBody) -> None:
    """An exchange waits for both kinds."""
    future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    over: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def read() -> None:
        over.set_result(await future + await body.read())

    run = CoroutineRunner(read(), lambda _: None)
    run.start()
    body.push(b"b")
    run.wake()
    future.set_result(b"a")

    assert await over == b"ab"


@cases("most", 0, 3, HIGH_WATER)
async def test_the_beginning_can_be_looked_at_and_stays(body: IncomingBody, most: int) -> None:
    """Reading it afterwards gets all of it."""
    seen: list[bytes] = []

    async def look() -> None:
        seen.append(await body.beginning(most))

    run = CoroutineRunner(look(), lambda _: None)
    run.start()
    for piece in (b"a", b"bc"):
        body.push(piece)
        run.wake()
    assert seen == ([b"a"] if most == 0 else [])
    body.end()
    run.wake()

    assert seen[-1] == (b"a" if most == 0 else b"abc")
    assert Reading(body).pieces == [b"abc"]


async def test_looking_at_a_body_that_breaks_gives_what_there_is(body: IncomingBody) -> None:
    """Whoever looks decides what that is worth."""
    body.push(b"a")
    body.fail(LookupError())
    assert await body.beginning(9) == b"a"


@given(st.lists(st.integers(min_value=1, max_value=3 * SMALL).map(random.Random(1).randbytes), max_size=60))
def test_pieces_of_any_size_come_out_as_they_went_in(given_pieces: list[bytes]) -> None:
    """In order, and once."""
    pieces = Pieces()
    for piece in given_pieces:
        pieces.add(piece)
    whole = b"".join(given_pieces)

    assert (pieces.size, pieces.look(), pieces.consume()) == (len(whole), whole, whole)
    assert (pieces.size, pieces.consume()) == (0, b"")


def test_one_large_piece_is_not_copied() -> None:
    """The body of most messages comes in one."""
    pieces, large = Pieces(), b"a" * SMALL
    pieces.add(large)
    assert pieces.consume() is large


@cases("size", 1, 2, 3, 16, 64, SMALL - 1, SMALL, 2000)
def test_pieces_take_at_most_three_times_their_size(size: int) -> None:
    """Even while they are joined."""
    total, source = 40_000 // size, memoryview(bytes(range(256)) * 8)
    tracemalloc.start()
    try:
        pieces = Pieces()
        for number in range(total):
            pieces.add(bytes(source[number % 40 : number % 40 + size]))
        whole = pieces.consume()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(whole) == total * size
    assert peak < 3 * len(whole)
