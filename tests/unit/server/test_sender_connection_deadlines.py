"""How long a sender may be silent, slow or congested."""

from proxy.forwarding.request import Request
from proxy.wire.body import HIGH_WATER
from tests.unit.server.memory_server import EXPECTING, GET, MemoryServer, Wire, post, turns


async def test_a_silent_connection_is_closed(wire: Wire) -> None:
    """After idle_timeout, a new one between requests."""
    wire.wait(74)
    assert wire.end == "open"
    wire.wait(2)

    assert (wire.end, wire.received()) == ("closed", b"")


async def test_a_connection_is_silent_from_its_last_answer(wire: Wire) -> None:
    """Not from its beginning."""
    wire.wait(70)
    await wire.send(GET)
    wire.wait(500)
    await wire.answer(b"<ok>")
    wire.wait(74)
    assert wire.end == "open"
    wire.wait(2)

    assert wire.end == "closed"


async def test_a_head_has_a_time_for_all_of_it(server: MemoryServer, wire: Wire) -> None:
    """Octet by octet does not make it longer."""
    for octet in GET[:14]:
        await wire.send(bytes([octet]))
        wire.wait(1)
    assert wire.received() == b""
    await wire.send(GET[14:15])
    wire.wait(2)

    assert (wire.received(), server.refusals[0].status) == (b"<request_timeout id-1>", 408)


async def test_a_body_has_a_time_for_each_gap(server: MemoryServer, wire: Wire) -> None:
    """One that stutters goes on."""
    await wire.send(post(b"a", length=10))
    for _ in range(5):
        wire.wait(59)
        await wire.send(b"b")
    wire.wait(61)
    await turns()

    assert ("Nothing more of the body arrived for 60 s" in str(server.bodies[0]), wire.received()) == (
        True,
        b"<broken>",
    )


async def test_a_sender_is_not_blamed_for_a_body_that_we_do_not_read(server: MemoryServer, wire: Wire) -> None:
    """Or have not asked for yet."""
    server.reads = False
    await wire.send(post(length=1 << 20))
    await wire.send(b"a" * (HIGH_WATER + 1))
    wire.wait(600)
    assert server.requests[0].body.failure is None

    other = server.connect()
    await other.send(EXPECTING)
    other.wait(600)
    assert server.requests[1].body.failure is None
    server.answers = [b"<1>", b"<2>"]
    wire.connection.wake()
    other.connection.wake()


async def test_an_exchange_has_no_time_limit_of_its_sender(wire: Wire) -> None:
    """The route has one."""
    await wire.send(post(b"abc"))
    wire.wait(10_000)

    assert wire.end == "open"
    await wire.answer(b"<ok>")


async def test_a_connection_is_not_forgotten_because_it_was_congested(wire: Wire) -> None:
    """The time for silence goes on."""
    await wire.send(GET)
    wire.connection.pause_writing()
    await wire.answer(b"<ok>")
    wire.connection.resume_writing()
    wire.wait(74)
    assert wire.end == "open"
    wire.wait(2)

    assert wire.end == "closed"


async def test_a_body_is_watched_on_after_congestion(server: MemoryServer, wire: Wire) -> None:
    """An early answer may congest."""
    await wire.send(post(b"a", length=10))
    wire.connection.pause_writing()
    wire.connection.resume_writing()
    wire.wait(61)
    await turns()

    assert "Nothing more of the body arrived" in str(server.bodies[0])


async def test_a_body_that_ends_during_congestion_does_not_lift_its_deadline(wire: Wire) -> None:
    """The sender reads no better for it."""
    await wire.send(post(b"a", length=2))
    wire.connection.pause_writing()
    await wire.send(b"b")
    wire.wait(61)

    assert wire.end == "aborted"
    await wire.answer(b"<late>")


async def test_no_request_is_begun_while_answers_are_not_taken(server: MemoryServer, wire: Wire) -> None:
    """They would fill our memory."""
    await wire.send(GET)
    wire.connection.pause_writing()
    await wire.answer(b"<1>")
    await wire.send(GET + GET)
    assert (len(server.requests), wire.transport.reading) == (1, False)

    wire.connection.resume_writing()
    assert (len(server.requests), wire.transport.reading) == (2, False)
    await wire.answer(b"<2>", b"<3>")
    wire.connection.wake()
    assert wire.received() == b"<1><2><3>"


async def test_requests_that_are_answered_at_once_stop_at_congestion(server: MemoryServer, wire: Wire) -> None:
    """Their own answers may bring it about."""
    server.answers = [b"<1>", b"<2>", b"<3>"]
    sent = server.context.serve

    async def congests(request: Request) -> None:
        await sent(request)
        if len(server.requests) == 2:
            wire.connection.pause_writing()

    server.context.serve = congests
    await wire.send(GET * 3)
    assert wire.received() == b"<1><2>"
    wire.connection.resume_writing()

    assert wire.received() == b"<3>"


async def test_a_departed_sender_has_no_deadline(server: MemoryServer, wire: Wire) -> None:
    """Nobody looks at it any more."""
    wire.connection.connection_lost(None)
    wire.wait(1000)

    assert (server.loop.pauses, wire.end) == ([], "open")
