"""The connection of a sender: one request after the other, up to the last."""

import asyncio

import pytest

from proxy.errors import LengthRequired
from proxy.server.sender_connection import AT_A_TIME
from proxy.server.sender_transport import LINGER
from proxy.wire.body import HIGH_WATER
from tests.cases import cases
from tests.unit.server.memory_server import GET, MemoryServer, Wire, post, turns


async def test_a_request_is_served_when_its_head_is_there(server: MemoryServer, wire: Wire) -> None:
    """With all that an exchange wants to know."""
    await wire.send(post(b"abc", fields=b"X-Request-ID: mine\r\n"))
    await wire.answer(b"<ok>")

    request = server.requests[0]
    assert (request.head.method, request.target.path, request.id) == ("POST", b"/b", "mine")
    assert (server.bodies, wire.received(), wire.end) == ([b"abc"], b"<ok>", "open")
    assert (wire.connection.address, wire.connection.secure, wire.connection.busy) == ("192.0.2.7", False, False)


async def test_a_request_without_id_is_given_one(server: MemoryServer, wire: Wire) -> None:
    """The next of the process."""
    server.answers = [b"<1>", b"<2>"]
    await wire.send(GET + GET)

    assert [request.id for request in server.requests] == ["id-1", "id-2"]


async def test_the_end_of_a_body_may_come_alone(server: MemoryServer, wire: Wire) -> None:
    """As a last chunk does."""
    await wire.send(b"POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n")
    await wire.send(b"0\r\n\r\n")
    await wire.answer(b"<ok>")
    assert (server.bodies, wire.received()) == ([b"de"], b"<ok>")


async def test_octets_that_arrive_early_keep_their_order(server: MemoryServer, wire: Wire) -> None:
    """They go behind what is held."""
    await wire.send(post(b"a") + GET[:10])
    server.answers.append(b"<1>")
    wire.connection.wake()
    assert not wire.connection.busy
    wire.connection.data_received(GET[10:])
    await turns()
    await wire.answer(b"<2>")

    assert ([request.target.path for request in server.requests], server.refusals) == ([b"/b", b"/a"], [])


async def test_reading_a_body_does_not_let_in_more_than_is_held(server: MemoryServer, wire: Wire) -> None:
    """The body is taken, but the socket stays unread."""
    await wire.send(post(length=2 * HIGH_WATER))
    await wire.send(b"a" * 2 * HIGH_WATER + GET[:10])

    assert (len(server.bodies), wire.transport.reading) == (1, False)
    await wire.answer(b"<1>")
    assert wire.transport.reading
    await wire.send(GET[10:])
    await wire.answer(b"<2>")
    assert server.requests[1].target.path == b"/a"


async def test_a_body_that_nobody_reads_does_not_stop_the_connection(server: MemoryServer, wire: Wire) -> None:
    """It was refused; the next request is read."""
    server.reads = False
    server.answers = [b"<refused>", b"<ok>"]
    await wire.send(post(b"a" * (HIGH_WATER + 1)))

    assert (wire.received(), wire.transport.reading, wire.end) == (b"<refused>", True, "open")
    await wire.send(GET)
    assert wire.received() == b"<ok>"


async def test_a_large_body_is_read_as_fast_as_it_is_taken(server: MemoryServer, wire: Wire) -> None:
    """Backpressure towards the sender."""
    server.reads = False
    await wire.send(post(length=1 << 20))
    await wire.send(b"a" * (HIGH_WATER + 1))
    states = [wire.transport.reading]
    server.requests[0].body.consume()
    states.append(wire.transport.reading)

    assert states == [False, True]
    wire.connection.connection_lost(None)
    server.answers.append(b"")
    wire.connection.wake()


CLOSING = [
    pytest.param(b"GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", id="close"),
    pytest.param(b"GET /a HTTP/1.0\r\n\r\n", id="HTTP/1.0"),
]


@cases("octets", *CLOSING)
async def test_the_sender_may_say_which_request_is_its_last(octets: bytes, server: MemoryServer, wire: Wire) -> None:
    """RFC 9112 §9.3."""
    await wire.send(octets)
    assert not wire.connection.persistent()
    await wire.answer(b"<ok>")

    assert (wire.received(), wire.end, len(server.requests)) == (b"<ok>", "closed", 1)


LAST_POST = b"POST /b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"


@cases(
    "octets, behind, failed",
    {
        "octets": (LAST_POST, b"abc", True),
        "an empty line": (LAST_POST, b"\r\n", False),
        "octets, where the method has no body": (CLOSING[0].values[0], b"abc", False),
    },
)
async def test_what_comes_later_behind_the_last_request_is_told(
    octets: bytes, behind: bytes, server: MemoryServer, wire: Wire, *, failed: bool
) -> None:
    """Unless its answer has begun."""
    await wire.send(octets)
    await wire.send(behind)
    assert (server.requests[0].body.ended, isinstance(server.requests[0].body.failure, LengthRequired)) == (
        True,
        failed,
    )
    await wire.answer(b"<ok>")


async def test_what_comes_behind_a_request_with_a_length_is_no_part_of_it(server: MemoryServer, wire: Wire) -> None:
    """Nor behind one that is not the last."""
    close = post(b"abc", fields=b"Connection: close\r\n")
    await wire.send(close)
    await wire.send(b"abc")
    other = server.connect()
    await other.send(GET)
    await other.send(b"abc")
    assert [each.body.failure for each in server.requests] == [None, None]
    await wire.answer(b"<1>")
    await other.answer(b"<2>")


async def test_an_exchange_may_end_the_connection_after_its_answer(server: MemoryServer, wire: Wire) -> None:
    """Nothing is reset."""
    server.reads = False
    await wire.send(post(b"abc", length=10))
    await wire.answer(b"<413>")
    assert (wire.transport.ended, wire.end, wire.transport.reading) == (True, "open", True)

    await wire.send(b"defgh" + GET)
    assert (len(server.requests), repr(wire.connection)) == (1, "<SenderConnection 192.0.2.7 lingering>")
    wire.wait(LINGER + 1)

    assert wire.end == "aborted"


async def test_a_lingering_sender_that_ends_its_side_is_let_go(server: MemoryServer, wire: Wire) -> None:
    """Nothing more can come."""
    server.reads = False
    await wire.send(post(b"abc", length=10))
    await wire.answer(b"<413>")

    assert wire.connection.eof_received() is False


async def test_a_lingering_sender_that_is_slow_gets_its_answer(server: MemoryServer, wire: Wire) -> None:
    """The time begins after the answer."""
    server.reads = False
    await wire.send(post(b"abc", length=10))
    wire.connection.pause_writing()
    wire.transport.buffered = 1000
    await wire.answer(b"<413>")
    wire.wait(LINGER + 1)
    assert wire.end == "open"

    wire.transport.buffered = 0
    wire.connection.resume_writing()
    wire.wait(LINGER + 1)
    assert wire.end == "aborted"


async def test_a_transport_that_cannot_half_close_lingers_all_the_same(server: MemoryServer, wire: Wire) -> None:
    """As TLS cannot."""
    server.reads = False
    wire.transport.can_write_eof = lambda: False  # type: ignore[method-assign]
    await wire.send(post(b"abc", length=10))
    await wire.answer(b"<413>")

    assert (wire.transport.ended, wire.end) == (False, "open")


async def test_requests_that_are_answered_at_once_leave_others_their_turn(server: MemoryServer, wire: Wire) -> None:
    """A limited number is served in a turn."""
    server.answers += [b"<ok>"] * 90
    wire.connection.data_received(GET * 90)
    counts = []
    for _ in range(3):
        counts.append(len(server.requests))
        await asyncio.sleep(0)

    assert counts == [AT_A_TIME, 2 * AT_A_TIME, 90]
