"""A connection to an upstream: answers, and whether it may be used again."""

import asyncio
import socket
from itertools import pairwise
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import UpstreamClosed, UpstreamMalformed, UpstreamTimeout
from proxy.upstream.connection import WRITE_HIGH_WATER, UpstreamConnection
from proxy.upstream.failures import LARGEST_HEAD
from proxy.wire.coroutine_runner import NO_WAITER
from proxy.wire.reading import PieceReader
from tests.fakes.heads import RESPONSES
from tests.fakes.loop import HandLoop
from tests.unit.upstream.lease import OK, Wire


def test_an_answer_is_read_and_its_exchange_rung() -> None:
    """Head first, then what comes of the body, then its end."""
    wire = Wire()
    for piece in (OK, b"o", b"k"):
        wire.connection.data_received(piece)

    head = wire.connection.head
    assert head is not None
    assert (head.status, wire.content, wire.whole, wire.rings) == (200, b"ok", True, 3)
    assert (wire.transport.written, wire.connection.failure) == (b"<request>", None)


ANSWERS = st.sampled_from(
    [
        (OK + b"ok", b"ok"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK + b"ok", b"ok"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3;x=y\r\ncde\r\n0\r\nT: v\r\n\r\n",
            b"abcde",
        ),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", b""),
    ]
)


@given(answer=ANSWERS, places=st.lists(st.integers(min_value=1, max_value=120), max_size=8))
def test_an_answer_is_the_same_however_it_is_cut(answer: tuple[bytes, bytes], places: list[int]) -> None:
    """Interim answers are passed over (RFC 9110 §15.2), and the connection can be used again."""
    octets, content = answer
    ends = sorted({0, len(octets), *(place for place in places if place < len(octets))})
    wire = Wire()
    for a, b in pairwise(ends):
        wire.connection.data_received(octets[a:b])

    assert (wire.content, wire.whole, wire.connection.reusable) == (content, True, True)


def test_an_interim_answer_alone_is_no_answer() -> None:
    """RFC 9110 §15.2: the final one is waited for."""
    wire = Wire()
    wire.connection.data_received(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert (wire.connection.head, wire.connection.failure) == (None, None)

    wire.connection.data_received(OK + b"ok")
    assert wire.content == b"ok"


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


@pytest.mark.parametrize("fields", [b"", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"])
def test_it_is_used_again_after_head_whatever_the_framing_says(fields: bytes) -> None:
    """Such a response has no body (RFC 9112 §6.3, rule 1)."""
    wire = Wire("HEAD")
    wire.connection.data_received(b"HTTP/1.1 200 OK\r\n%b\r\n" % fields)
    assert (wire.whole, wire.content, wire.connection.reusable) == (True, b"", True)


@pytest.mark.parametrize(
    ("answer", "method"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", "GET", id="close"),
        pytest.param(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", "HEAD", id="close after HEAD"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\nx", "HEAD", id="a body without a length after HEAD"),
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\n", "HEAD", id="HTTP/1.0 after HEAD"),
        pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "GET", id="HTTP/1.0"),
        pytest.param(OK + b"okx", "GET", id="more than the answer"),
        pytest.param(OK + b"ok" + OK + b"ok", "GET", id="a second answer"),
        pytest.param(OK + b"ok", "HEAD", id="a body after HEAD"),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\nx", "GET", id="a body after 204"),
        pytest.param(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 1\r\n\r\nx", "GET", id="a body after 304"),
        pytest.param(OK + b"o", "GET", id="half an answer"),
        pytest.param(OK[:-3], "GET", id="half a head"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\nok", "GET", id="a body up to the end"),
        pytest.param(b"", "GET", id="no answer"),
    ],
)
def test_it_is_not_used_again_after(answer: bytes, method: str) -> None:
    """What is left of it could be taken for the next answer (RFC 9112 §9.3)."""
    wire = Wire(method)
    if answer:
        wire.connection.data_received(answer)
    assert not wire.connection.reusable

    wire.connection.release()

    assert (wire.transport.aborted, wire.connection.open) == (True, False)


def test_it_is_not_used_again_before_its_request_has_ended() -> None:
    """An early answer, to a request of which we will send no more (RFC 9112 §9.5)."""
    wire = Wire(end=False)
    wire.connection.data_received(OK + b"ok")
    assert (wire.whole, wire.connection.reusable) == (True, False)

    wire.connection.release()
    assert wire.transport.aborted


def test_octets_behind_an_answer_never_reach_the_exchange() -> None:
    """In one piece or in two; what is whole stays whole."""
    for pieces in ([OK + b"okHTTP/1.1 200 Evil\r\n"], [OK + b"ok", b"HTTP/1.1 200 Evil\r\n"]):
        wire = Wire()
        for piece in pieces:
            wire.connection.data_received(piece)
        assert (wire.content, wire.whole, wire.transport.aborted) == (b"ok", True, True)
        wire.connection.connection_lost(None)
        assert wire.connection.failure is None


def test_octets_that_nobody_asked_for_end_an_idle_connection() -> None:
    """They would be taken for the response to whatever is sent next."""
    wire = Wire(lease=False)
    wire.connection.data_received(OK + b"ok")

    assert (wire.transport.aborted, wire.connection.head, wire.rings) == (True, None, 0)


def test_octets_that_come_before_the_request_are_no_response_to_it() -> None:
    """The exchange is told that there will be none, and nothing is written."""
    wire = Wire(lease=False)
    wire.lease()
    wire.connection.data_received(OK + b"ok")
    wire.connection.send(b"<request>")

    assert (wire.transport.aborted, wire.transport.written, wire.connection.head, wire.rings) == (True, b"", None, 1)
    assert isinstance(wire.connection.failure, UpstreamClosed)
    assert not wire.connection.responded


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param(b"220 smtp.example ESMTP\r\n\r\n", "no HTTP|version", id="no HTTP"),
        pytest.param(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", "101", id="101"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", "ength", id="two lengths"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "other than", id="a coding"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"a" * LARGEST_HEAD, "more than 256 KiB", id="a head without end"),
        pytest.param(b"\x15\x03\x01", "first octet", id="a TLS alert"),
    ],
)
def test_an_answer_that_is_none_is_malformed(answer: bytes, why: str) -> None:
    """502, and the connection ends; nothing is relayed."""
    wire = Wire()
    wire.connection.data_received(answer)

    failure = wire.connection.failure
    assert isinstance(failure, UpstreamMalformed)
    assert (wire.connection.head, wire.transport.aborted, wire.rings) == (None, True, 1)
    with pytest.raises(UpstreamMalformed, match=why):
        raise failure


def test_a_body_that_breaks_fails_after_its_head() -> None:
    """What came before stays readable, the failure comes behind it."""
    wire = Wire()
    wire.connection.data_received(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")
    wire.connection.data_received(b"zz\r\n")

    body = wire.connection.body
    assert body is not None
    assert (wire.content, isinstance(body.failure, UpstreamMalformed), body.ended) == (b"ab", True, False)
    assert (wire.transport.aborted, wire.connection.reusable) == (True, False)


def test_what_comes_behind_a_broken_body_is_not_read() -> None:
    """Though it would look like another chunk."""
    wire = Wire()
    wire.connection.data_received(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")
    wire.connection.data_received(b"zz\r\n")
    rings = wire.rings
    wire.connection.data_received(b"3\r\nabc\r\n")

    body = wire.connection.body
    assert body is not None
    assert (body.consume(), body.received, wire.rings) == (b"ab", 2, rings)


def test_its_repr_tells_its_state() -> None:
    """And which upstream it leads to."""
    assert repr(Wire().connection) == "<UpstreamConnection u:1 sent>"


def test_requests_wait_up_to_a_mark() -> None:
    """What congestion begins with."""
    assert Wire().transport.limit == WRITE_HIGH_WATER


def test_a_socket_with_something_to_read_is_stale() -> None:
    """Its end, or octets that nobody asked for, before the event loop has told us."""
    connection = UpstreamConnection("u:1", HandLoop().deadlines(), lambda _: None, RESPONSES)
    ours, theirs = socket.socketpair()
    with ours:
        connection.watch_socket(ours.fileno(), in_clear=True)
        assert not connection.stale()
        theirs.close()
        assert connection.stale()


async def test_nothing_is_written_to_a_connection_that_is_lost() -> None:
    """On both event loops: the exchange sees a failure, not an exception of the transport."""
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


def test_the_time_for_the_response_begins_when_the_request_has_been_taken() -> None:
    """A buffered body is handed over whole, and may take its time on the way."""
    wire = Wire(timeout=60)
    wire.connection.pause_writing()
    wire.wait(5)
    wire.connection.resume_writing()
    wire.wait(59)
    assert wire.connection.failure is None

    wire.wait(2)
    assert isinstance(wire.connection.failure, UpstreamTimeout)
