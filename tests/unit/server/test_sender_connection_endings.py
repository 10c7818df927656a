"""Connections that end: by the sender, by a fault of ours, by draining."""

import socket
from typing import cast

from proxy.errors import Overloaded, SenderLeft
from proxy.forwarding.request import Request
from proxy.server.sender_connection import SenderConnection
from proxy.server.sender_transport import LINGER, WRITE_HIGH_WATER
from proxy.wire.coroutine_runner import woken
from tests.cases import cases
from tests.unit.server.memory_server import CONTINUE, EXPECTING, GET, MemoryServer, ProxyErrorOf, Wire, post, turns


async def test_a_sender_that_ends_its_side_gets_the_answer_to_its_whole_request(
    server: MemoryServer, wire: Wire
) -> None:
    """RFC 9112 §9.6."""
    await wire.send(post(b"abc"))
    assert wire.connection.eof_received() is True
    assert (wire.connection.half_closed, wire.connection.persistent()) == (True, False)
    await wire.answer(b"<ok>")

    assert (wire.received(), wire.end, server.bodies) == (b"<ok>", "closed", [b"abc"])


async def test_a_sender_that_ends_its_side_within_a_body_is_told_that_it_is_not_whole(
    server: MemoryServer, wire: Wire
) -> None:
    """It is not waited for (RFC 9112 §8)."""
    await wire.send(post(b"abc", length=10))
    wire.connection.eof_received()
    await turns()

    assert ("middle of the body" in str(server.bodies[0]), wire.received(), wire.end) == (True, b"<broken>", "closed")


@cases("octets", {"silent": b"", "within a head": GET[:5]})
async def test_an_idle_sender_that_ends_its_side_is_gone(octets: bytes, wire: Wire) -> None:
    """The transport closes."""
    if octets:
        await wire.send(octets)

    assert wire.connection.eof_received() is False


async def test_a_sender_that_goes_is_told_to_its_exchange(server: MemoryServer, wire: Wire) -> None:
    """Nothing more is sent to it."""
    await wire.send(post(b"abc", length=10))
    wire.connection.connection_lost(ConnectionResetError())
    await turns()
    wire.connection.send(b"late")

    assert ([type(each) for each in server.bodies], wire.received()) == ([SenderLeft], b"")
    assert (wire.connection.left, wire.connection.busy, len(server.connections)) == (True, False, 0)


async def test_a_sender_that_goes_after_its_request_does_not_end_the_exchange(server: MemoryServer, wire: Wire) -> None:
    """Its message is whole."""
    await wire.send(post(b"abc"))
    wire.connection.connection_lost(None)
    assert (wire.connection.busy, server.bodies) == (True, [b"abc"])

    await wire.answer(b"<ok>")
    assert (wire.connection.busy, wire.received()) == (False, b"")


async def test_what_is_held_of_a_sender_that_goes_is_not_served(server: MemoryServer, wire: Wire) -> None:
    """Between the answer and the next request."""
    await wire.send(post(b"abc") + GET)
    server.answers.append(b"<ok>")
    wire.connection.wake()
    wire.connection.connection_lost(None)
    await turns()

    assert len(server.requests) == 1


async def test_a_crash_of_an_exchange_is_told_and_ends_the_connection(server: MemoryServer, wire: Wire) -> None:
    """Half an answer must not look whole."""
    error = LookupError()
    await wire.send(GET)
    await wire.answer(error)

    assert (server.crashes, wire.end) == ([(error, "192.0.2.7")], "aborted")
    wire.connection.connection_lost(None)
    assert len(server.connections) == 0


async def test_a_crash_after_the_sender_has_gone_is_told(server: MemoryServer, wire: Wire) -> None:
    """And does no more harm."""
    error = LookupError()
    await wire.send(GET)
    wire.connection.connection_lost(None)
    await wire.answer(error)

    assert server.crashes == [(error, "192.0.2.7")]


async def test_a_sender_may_be_refused_on_arrival(server: MemoryServer) -> None:
    """What it sends is not read as a request."""
    server.connections.refusal = ProxyErrorOf("overloaded")
    wire = server.connect()
    await wire.send(GET)

    assert (wire.received(), server.requests, wire.transport.ended) == (b"<overloaded id-1>", [], True)


async def test_a_sender_too_many_is_not_waited_for(server: MemoryServer) -> None:
    """Descriptors are scarce."""
    server.connections.refusal = Overloaded("Full.")
    wire = server.connect()

    assert (wire.received(), wire.end) == (b"<overloaded id-1>", "closed")


async def test_a_sender_without_address_is_not_served(server: MemoryServer) -> None:
    """Lists of addresses do not apply to it."""
    with socket.socket() as connected:
        wire = server.connect(peername=None, socket=connected)

    assert (wire.end, len(server.connections)) == ("aborted", 1)


async def test_patience_does_not_let_an_idle_sender_stay_longer(wire: Wire) -> None:
    """Its time was nearly up."""
    wire.wait(74)
    wire.connection.drain()
    wire.wait(1)

    assert wire.end == "closed"


async def test_a_busy_sender_is_closed_after_its_answer_when_draining(server: MemoryServer, wire: Wire) -> None:
    """What follows is not served."""
    await wire.send(post(b"a") + GET)
    wire.connection.drain()
    assert (wire.end, wire.connection.persistent()) == ("open", False)
    await wire.answer(b"<ok>")

    assert (wire.received(), len(server.requests), wire.transport.ended) == (b"<ok>", 1, True)


async def test_draining_between_two_requests_begins_one_more(server: MemoryServer, wire: Wire) -> None:
    """The last one."""
    await wire.send(post(b"a") + GET + GET)
    server.answers += [b"<1>", b"<2>", b"<3>"]
    wire.connection.wake()
    wire.connection.drain()
    await turns()

    assert (len(server.requests), wire.received(), wire.transport.ended) == (2, b"<1><2>", True)


async def test_draining_while_requests_are_answered_at_once_begins_no_other(server: MemoryServer, wire: Wire) -> None:
    """The next one is left alone."""

    async def drains(request: Request) -> None:
        server.requests.append(request)
        cast("SenderConnection", request.sender).drain()

    server.context.serve = drains
    await wire.send(GET + GET)

    assert (len(server.requests), wire.transport.ended, wire.end) == (1, True, "open")


async def test_draining_leaves_a_lingering_sender_its_time(wire: Wire) -> None:
    """It has its answer still to read."""
    await wire.send(b"junk\r\n\r\n")
    wire.connection.drain()

    assert wire.end == "open"
    wire.wait(LINGER + 1)
    assert wire.end == "aborted"


async def test_an_answer_that_has_begun_is_not_the_last_of_a_drain(server: MemoryServer, wire: Wire) -> None:
    """It did not say that the connection ends."""
    await wire.send(GET)
    server.requests[0].sender.send(b"<began")
    wire.connection.drain()
    await wire.answer(b" and ended>")
    assert wire.end == "open"
    await wire.send(GET)
    assert not server.requests[1].sender.persistent()
    await wire.answer(b"<last>")

    assert (wire.received(), wire.end) == (b"<began and ended><last>", "closed")


async def test_who_is_silent_after_such_an_answer_is_not_waited_for_long(server: MemoryServer, wire: Wire) -> None:
    """It waits like an idle one."""
    await wire.send(GET)
    server.requests[0].sender.send(b"<began")
    wire.connection.drain()
    await wire.answer(b" and ended>")
    wire.wait(LINGER)

    assert wire.end == "closed"


async def test_an_invitation_is_no_beginning_of_an_answer(wire: Wire) -> None:
    """The answer ends the connection."""
    await wire.send(EXPECTING)
    wire.connection.drain()
    await wire.send(b"abc")
    await wire.answer(b"<last>")

    assert (wire.received(), wire.end) == (CONTINUE + b"<last>", "closed")


async def test_a_slow_reader_has_its_time_during_a_drain(wire: Wire) -> None:
    """Its exchange is over, its answer is not."""
    await wire.send(GET)
    wire.transport.buffered = WRITE_HIGH_WATER + 1
    wire.connection.pause_writing()
    await wire.answer(b"<long>")
    wire.connection.drain()
    wire.wait(59)
    assert wire.end == "open"
    wire.transport.buffered = 0
    wire.connection.resume_writing()
    wire.wait(LINGER)

    assert wire.end == "closed"


async def test_nothing_is_read_behind_a_body_that_nobody_waited_for(server: MemoryServer, wire: Wire) -> None:
    """Its rest would be taken for a request."""

    async def forgets(request: Request) -> None:
        server.requests.append(request)
        request.sender.send(b"<ok>")

    server.context.serve = forgets
    await wire.send(post(b"a", length=1 + len(GET)))
    await wire.send(GET)

    assert (len(server.requests), wire.received(), wire.transport.ended) == (1, b"<ok>", True)


@cases("ending", {"no chunk": b"zz\r\n", "the sender's end": b""})
async def test_an_exchange_whose_body_broke_has_its_time(ending: bytes, server: MemoryServer, wire: Wire) -> None:
    """Nothing resets the connection before its answer."""

    async def takes_its_time(request: Request) -> None:
        server.requests.append(request)
        while not server.answers:
            await woken()
        request.sender.send(b"<broken>")

    server.context.serve = takes_its_time
    await wire.send(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
    if ending:
        await wire.send(ending)
        await wire.send(GET)
    else:
        wire.connection.eof_received()
    wire.wait(1000)
    assert (wire.end, wire.connection.persistent()) == ("open", False)
    await wire.answer(b"")

    assert (len(server.requests), wire.received()) == (1, b"<broken>")
    assert wire.transport.ended or wire.transport.closed
