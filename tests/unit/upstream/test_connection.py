"""A connection to an upstream: answers, and whether it may be used again."""

import asyncio
import socket
from typing import cast

import pytest

from proxy.errors import UpstreamClosed, UpstreamMalformed
from proxy.upstream.connection import WRITE_HIGH_WATER, UpstreamConnection
from proxy.upstream.failures import LARGEST_HEAD
from proxy.wire.coroutine_runner import NO_WAITER
from proxy.wire.reading import PieceReader
from tests.cases import cases
from tests.fakes.heads import RESPONSES
from tests.fakes.loop import HandLoop
from tests.unit.upstream.lease import OK, Wire


def test_an_answer_is_read_and_its_exchange_rung() -> None:
    """Head, body, end."""
    wire = Wire()
    for piece in (OK, b"o", b"k"):
        wire.connection.data_received(piece)

    head = wire.connection.head
    assert head is not None
    assert (head.status, wire.content, wire.whole, wire.rings) == (200, b"ok", True, 3)
    assert (wire.transport.written, wire.connection.failure) == (b"<request>", None)


def test_it_can_be_leased_again_and_again() -> None:
    """Each exchange sees its own answer only."""
    wire = Wire()
    wire.connection.data_received(OK + b"ok")
    wire.connection.release()
    assert (wire.connection.leased, wire.connection.open, wire.connection.head) == (False, True, None)

    wire.lease("HEAD")
    wire.connection.send(b"<head>")
    wire.connection.end_request()
    wire.connection.data_received(OK)

    assert (wire.whole, wire.content, wire.connection.reusable) == (True, b"", True)


@cases("fields", b"", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n")
def test_it_is_used_again_after_head_whatever_the_framing_says(fields: bytes) -> None:
    """RFC 9112 §6.3, rule 1."""
    wire = Wire("HEAD")
    wire.connection.data_received(b"HTTP/1.1 200 OK\r\n%b\r\n" % fields)
    assert (wire.whole, wire.content, wire.connection.reusable) == (True, b"", True)


@cases(
    "answer, method",
    {
        "close": (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", "GET"),
        "close after HEAD": (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", "HEAD"),
        "a body without a length after HEAD": (b"HTTP/1.1 200 OK\r\n\r\nx", "HEAD"),
        "HTTP/1.0 after HEAD": (b"HTTP/1.0 200 OK\r\n\r\n", "HEAD"),
        "HTTP/1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "GET"),
        "more than the answer": (OK + b"okx", "GET"),
        "a second answer": (OK + b"ok" + OK + b"ok", "GET"),
        "a body after HEAD": (OK + b"ok", "HEAD"),
        "a body after 204": (b"HTTP/1.1 204 No Content\r\n\r\nx", "GET"),
        "a body after 304": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 1\r\n\r\nx", "GET"),
        "half an answer": (OK + b"o", "GET"),
        "half a head": (OK[:-3], "GET"),
        "a body up to the end": (b"HTTP/1.1 200 OK\r\n\r\nok", "GET"),
        "no answer": (b"", "GET"),
    },
)
def test_it_is_not_used_again_after(answer: bytes, method: str) -> None:
    """The rest could be taken for an answer (RFC 9112 §9.3)."""
    wire = Wire(method)
    if answer:
        wire.connection.data_received(answer)
    assert not wire.connection.reusable

    wire.connection.release()

    assert (wire.transport.aborted, wire.connection.open) == (True, False)


def test_octets_behind_an_answer_never_reach_the_exchange() -> None:
    """What is whole stays whole."""
    for pieces in ([OK + b"okHTTP/1.1 200 Evil\r\n"], [OK + b"ok", b"HTTP/1.1 200 Evil\r\n"]):
        wire = Wire()
        for piece in pieces:
            wire.connection.data_received(piece)
        assert (wire.content, wire.whole, wire.transport.aborted) == (b"ok", True, True)
        wire.connection.connection_lost(None)
        assert wire.connection.failure is None


def test_octets_that_come_before_the_request_are_no_response_to_it() -> None:
    """The exchange is told, and nothing is written."""
    wire = Wire(lease=False)
    wire.lease()
    wire.connection.data_received(OK + b"ok")
    wire.connection.send(b"<request>")

    assert (wire.transport.aborted, wire.transport.written, wire.connection.head, wire.rings) == (True, b"", None, 1)
    assert isinstance(wire.connection.failure, UpstreamClosed)
    assert not wire.connection.responded


@cases(
    "answer, why",
    {
        "no HTTP": (b"220 smtp.example ESMTP\r\n\r\n", "no HTTP|version"),
        "two lengths": (OK[:-2] + b"Content-Length: 3\r\n\r\nab", "ength"),
        "a head without end": (b"HTTP/1.1 200 OK\r\nX: " + b"a" * LARGEST_HEAD, "more than 256 KiB"),
    },
)
def test_an_answer_that_is_none_is_malformed(answer: bytes, why: str) -> None:
    """Nothing is relayed."""
    wire = Wire()
    wire.connection.data_received(answer)
    assert (wire.connection.head, wire.transport.aborted, wire.rings) == (None, True, 1)
    assert wire.connection.failure is not None
    with pytest.raises(UpstreamMalformed, match=why):
        raise wire.connection.failure


def test_what_comes_behind_a_broken_body_is_not_read() -> None:
    """Its exchange is told once."""
    wire = Wire()
    for piece in (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", b"zz\r\n", b"3\r\nabc\r\n"):
        wire.connection.data_received(piece)
    body = wire.connection.body
    assert body is not None
    assert (wire.content, isinstance(body.failure, UpstreamMalformed), body.ended) == (b"ab", True, False)
    assert (body.received, wire.rings, wire.transport.aborted, wire.connection.reusable) == (2, 2, True, False)


def test_its_repr_tells_its_state() -> None:
    """And which upstream it leads to."""
    assert repr(Wire().connection) == "<UpstreamConnection u:1 sent>"


def test_requests_wait_up_to_a_mark() -> None:
    """What congestion begins with."""
    assert Wire().transport.limit == WRITE_HIGH_WATER


def test_a_socket_with_something_to_read_is_stale() -> None:
    """Before the event loop has told us."""
    connection = UpstreamConnection("u:1", HandLoop().deadlines(), lambda _: None, RESPONSES)
    ours, theirs = socket.socketpair()
    with ours:
        connection.watch_socket(ours.fileno(), in_clear=True)
        assert not connection.stale()
        theirs.close()
        assert connection.stale()


async def test_nothing_is_written_to_a_connection_that_is_lost() -> None:
    """The exchange sees a failure."""
    lost = asyncio.Event()
    connection = UpstreamConnection("u:1", HandLoop().deadlines(), lambda _: lost.set(), RESPONSES)
    server = await asyncio.start_server(lambda _, writer: writer.transport.abort(), "127.0.0.1", 0)
    await asyncio.get_running_loop().create_connection(
        lambda: PieceReader(connection), *server.sockets[0].getsockname()
    )
    connection.lease(NO_WAITER, "GET", 1)
    async with asyncio.timeout(30):
        await lost.wait()
    server.close()
    await server.wait_closed()

    connection.send(b"late")
    connection.cut()
    assert isinstance(cast("UpstreamClosed", connection.failure), UpstreamClosed)
