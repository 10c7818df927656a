"""What a connection makes of heads that are none, and of senders that wait to be asked."""

from tests.cases import cases
from tests.unit.server.memory_server import EXPECTING, GET, MemoryServer, Wire, post


@cases(
    "octets, code",
    {
        "no Host": (b"GET / HTTP/1.1\r\n\r\n", b"request_malformed"),
        "TLS": (b"\x16\x03\x01\x02\x00", b"request_malformed"),
        "large fields": (b"GET / HTTP/1.1\r\nX: " + b"a" * 1024, b"head_too_large"),
    },
)
async def test_what_is_no_request_is_refused_and_ends_the_connection(
    octets: bytes, code: bytes, server: MemoryServer, wire: Wire
) -> None:
    """RFC 9112 §6.3."""
    await wire.send(octets + GET)
    await wire.send(GET)

    assert (wire.received(), server.requests, wire.transport.ended) == (b"<%b id-1>" % code, [], True)


async def test_what_is_no_request_ends_the_connection_behind_others_too(server: MemoryServer, wire: Wire) -> None:
    """Those before it get their answers first."""
    server.answers = [b"<1>"]
    await wire.send(GET + b"junk\r\n\r\n" + GET)

    assert (len(server.requests), wire.received()) == (1, b"<1><request_malformed id-2>")


async def test_a_body_that_breaks_is_told_to_its_exchange(server: MemoryServer, wire: Wire) -> None:
    """Nothing behind it is read."""
    await wire.send(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")
    await wire.send(b"zz\r\n" + GET)

    assert ("chunk size" in str(server.bodies[0]), wire.received(), wire.transport.ended) == (True, b"<broken>", True)
    await wire.send(GET)
    assert len(server.requests) == 1


async def test_a_body_that_is_broken_from_its_first_octet_is_refused(server: MemoryServer, wire: Wire) -> None:
    """In the piece that brings the head."""
    await wire.send(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + GET)

    assert (len(server.requests), wire.received()) == (1, b"<broken>")


@cases(
    "octets",
    {
        "HTTP/1.0": EXPECTING.replace(b"1.1", b"1.0"),
        "a body that is there": EXPECTING + b"abc",
        "no body": post(fields=b"Expect: 100-continue\r\n"),
    },
)
async def test_nobody_is_told_to_send_who_does_not_wait(octets: bytes, server: MemoryServer, wire: Wire) -> None:
    """RFC 9110 §10.1.1."""
    await wire.send(octets)

    assert wire.received() == b""
    wire.connection.connection_lost(None)
    server.answers.append(b"")
    wire.connection.wake()
