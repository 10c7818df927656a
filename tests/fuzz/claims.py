"""The claims: however octets are cut, they read the same; and what is taken for a message is one, and that one."""

import asyncio
import itertools
import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from proxy.config.model import Limits
from proxy.errors import ProxyError, SenderLeft
from proxy.forwarding.request import Request, Sender
from proxy.server.sender_connection import SenderConnection
from proxy.upstream.connection import UpstreamConnection
from proxy.wire.coroutine_runner import NO_WAITER
from proxy.wire.grammar import UNSAID
from tests.fakes.heads import RESPONSES
from tests.fakes.listener import listener_context
from tests.fakes.loop import HandLoop
from tests.fakes.transport import MemoryTransport
from tests.fuzz.reference import Message, requests, response

LIMITS = Limits(max_head=2048, max_fields=20, head_timeout=15, body_timeout=60, idle_timeout=75)
ANSWER, REFUSED = b"<answer>", b"<refused>"


def cuts(octets: bytes) -> Iterator[list[bytes]]:
    """Whole, at some places by chance, and octet by octet."""
    yield [octets]
    chance = random.Random(zlib.crc32(octets))
    places = sorted(chance.choices(range(len(octets) + 1), k=min(7, len(octets))))
    yield [octets[start:end] for start, end in zip([0, *places], [*places, len(octets)], strict=True)]
    yield [octets[at : at + 1] for at in range(len(octets))]


@dataclass(slots=True)
class Reading:
    """What one connection made of its octets."""

    messages: list[Message] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)
    "What the sender got; which of its faults it was told of depends on the cut."
    crashes: list[BaseException] = field(default_factory=list)
    unframed: bool = False
    "Whether the last message says no length and means to close: octets behind it, if they come in time, are a 411."


async def read_requests(pieces: list[bytes]) -> Reading:
    """What a sender's connection makes of these octets, and of their end."""
    reading, loop = Reading(), HandLoop(monotonic=0.0)

    async def serve(request: Request) -> None:
        body, whole = b"", True
        try:
            while piece := await request.body.read():
                body += piece
        except (ProxyError, SenderLeft):
            whole = False
            request.sender.close_after()
        head = request.head
        start = (head.method.encode(), head.target, b"%d" % head.minor)
        reading.messages.append(Message(start, tuple(head.fields.pairs()), body, whole))
        reading.answers.append(ANSWER)
        reading.unframed = head.length == UNSAID and not head.persistent
        request.sender.send(ANSWER)

    def refuse(sender: Sender, error: ProxyError, request_id: str) -> None:
        del request_id
        reading.answers.append(REFUSED)
        sender.send(error.code.encode())

    context = listener_context(
        serve,
        LIMITS,
        deadlines=loop.deadlines(),
        ids=itertools.repeat("id"),
        refuse=refuse,
        crashed=lambda error, _: reading.crashes.append(error),
    )
    connection, transport = SenderConnection(context), MemoryTransport(peername=("192.0.2.7", 1))
    connection.connection_made(transport)
    for piece in pieces:
        await reads_again(transport)
        if transport.is_closing():
            break
        connection.data_received(piece)
    await reads_again(transport)
    if not transport.is_closing():
        connection.eof_received()
    connection.connection_lost(None)
    await asyncio.sleep(0)
    return reading


async def reads_again(transport: MemoryTransport) -> None:
    """Until the socket is read; the connection reads on by itself."""
    while not transport.reading and not transport.is_closing():  # noqa: ASYNC110 - there is nobody to set an event
        await asyncio.sleep(0)


async def requests_are_read_as_they_are(octets: bytes) -> None:
    """AssertionError if a claim does not hold."""
    readings = [await read_requests(pieces) for pieces in cuts(octets)]
    first = readings[0]
    assert not first.crashes, first.crashes
    true = requests(octets)
    for each in readings:
        assert framed(each) == framed(first)
        assert_true(each, true)


def framed(reading: Reading) -> tuple[list[Message], list[bytes]]:
    """A last request without framing counts as refused: the cut decides."""
    if reading.unframed:
        return said(reading.messages[:-1]), [*reading.answers[:-1], REFUSED]
    return said(reading.messages), reading.answers


def assert_true(reading: Reading, true: list[Message]) -> None:
    """What was taken for messages are some."""
    assert len(reading.messages) <= len(true)
    for taken, really in zip(reading.messages, true, strict=False):
        if taken.whole:
            assert taken == really
        else:
            assert (taken.start, taken.fields) == (really.start, really.fields)
            assert not really.whole
            assert really.body.startswith(taken.body)


def said(messages: list[Message]) -> list[Message]:
    """Without what came of a body before it broke: how much that is depends on the cut."""
    return [each if each.whole else replace(each, body=b"") for each in messages]


async def read_response(pieces: list[bytes], *, ended: bool) -> list[Message]:
    """The response, if an upstream's connection takes these octets for the beginning of one."""
    connection = UpstreamConnection("u:1", HandLoop(monotonic=0.0).deadlines(), lambda _: None, RESPONSES)
    transport = MemoryTransport()
    connection.connection_made(transport)
    connection.lease(NO_WAITER, "POST", 60)
    connection.send(b"<request>")
    connection.end_request()
    content = b""
    for piece in pieces:
        if transport.is_closing():
            break
        connection.data_received(piece)
        content += connection.body.consume() if connection.body else b""
    if ended and not transport.is_closing():
        connection.eof_received()
    if ended or transport.is_closing():
        connection.connection_lost(None)
    head, body = connection.head, connection.body
    if head is None or body is None:
        return []
    start = (b"%d" % head.status, head.reason, b"%d" % head.minor)
    return [Message(start, tuple(head.fields.pairs()), content, body.ended)]


async def responses_are_read_as_they_are(octets: bytes) -> None:
    """AssertionError if a claim does not hold."""
    for ended in (True, False):
        taken, *others = [await read_response(pieces, ended=ended) for pieces in cuts(octets)]
        for other in others:
            assert said(other) == said(taken)
        true = response(octets, ended=ended)
        for each in taken:
            assert true is not None
            assert (each.start, each.fields) == (true.start, true.fields)
            assert true.body.startswith(each.body)
            assert not each.whole or (true.whole, true.body) == (True, each.body)
