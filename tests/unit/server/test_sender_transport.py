"""How answers are written, and how a connection ends."""

import socket
import struct

from proxy.server.sender_transport import WRITE_HIGH_WATER
from tests.cases import cases
from tests.unit.server.memory_server import GET, MemoryServer, Wire


async def test_an_abort_resets_the_connection() -> None:
    """SO_LINGER is 0."""
    server = MemoryServer()
    with socket.socket() as connected:
        wire = server.connect(socket=connected)
        wire.connection.abort()

        assert wire.end == "aborted"
        assert struct.unpack("ii", connected.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)) == (1, 0)


async def test_a_unix_socket_is_aborted_without_options() -> None:
    """It has no reset."""
    left, right = socket.socketpair(socket.AF_UNIX)
    with left, right:
        wire = MemoryServer().connect(socket=left, peername="")
        wire.connection.abort()

    assert (wire.end, wire.connection.address) == ("aborted", "")


async def test_a_sender_that_does_not_read_its_answer_is_reset(wire: Wire) -> None:
    """It does not hold the upstream."""
    await wire.send(GET)
    wire.connection.pause_writing()
    wire.wait(59)
    assert (wire.end, wire.connection.congested) == ("open", True)
    wire.wait(2)

    assert wire.end == "aborted"
    await wire.answer(b"<late>")


@cases(
    "ending",
    {
        "after the last answer": b"GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        "after the time for silence": GET,
    },
)
async def test_a_closed_connection_whose_answer_is_not_taken_is_reset_in_the_end(ending: bytes, wire: Wire) -> None:
    """Closing waits for the sender, but not for ever."""
    await wire.send(ending)
    await wire.answer(b"<ok>")
    wire.wait(76)
    wire.wait(61)

    assert (wire.transport.closed, wire.end) == (True, "aborted")


async def test_its_repr_tells_what_it_does(wire: Wire) -> None:
    """Its state."""
    seen = [repr(wire.connection)]
    await wire.send(GET)
    seen.append(repr(wire.connection))
    await wire.answer(b"<ok>")
    await wire.send(b"junk\r\n\r\n")
    seen.append(repr(wire.connection))

    assert seen == [f"<SenderConnection 192.0.2.7 {state}>" for state in ("idle", "serving", "lingering")]


async def test_answers_wait_up_to_a_mark(wire: Wire) -> None:
    """What congestion begins with."""
    assert wire.transport.limit == WRITE_HIGH_WATER
