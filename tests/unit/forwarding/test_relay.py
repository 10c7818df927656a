"""How answers are relayed."""

import pytest

from proxy.errors import Draining, UpstreamClosed
from proxy.forwarding.relay import Framing, frame
from proxy.wire.body import IncomingBody
from proxy.wire.grammar import ResponseHead
from tests.fakes.heads import response_head
from tests.fakes.transport import MemoryTransport
from tests.unit.forwarding.world import World, lines, ok, request

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
MPL = b"An internal server error occured: The MPL ID for the failed message is : AGabcdefghijklmnopqrstuv"


def body(length: int | None, *, ended: bool = False) -> IncomingBody:
    """Makes the body of an answer."""
    made = IncomingBody(MemoryTransport(), length)
    if ended:
        made.end()
    return made


def head(status: int = 200, *fields: tuple[bytes, bytes]) -> ResponseHead:
    """Makes the head of an answer."""
    return response_head(b"HTTP/1.1 %d OK" % status, *fields)


@pytest.mark.parametrize(
    ("method", "minor", "answer", "incoming", "framing"),
    [
        pytest.param("GET", 1, head(), body(5), Framing(b"Content-Length: 5"), id="a length stays"),
        pytest.param("GET", 0, head(), body(5), Framing(b"Content-Length: 5"), id="a length stays in HTTP/1.0"),
        pytest.param("GET", 1, head(), body(0, ended=True), Framing(b"Content-Length: 2"), id="what is whole has one"),
        pytest.param("GET", 0, head(), body(None, ended=True), Framing(b"Content-Length: 2"), id="also in HTTP/1.0"),
        pytest.param(
            "GET", 1, head(), body(None), Framing(b"Transfer-Encoding: chunked", chunked=True), id="else it is chunked"
        ),
        pytest.param("GET", 0, head(), body(None), Framing(b"", by_close=True), id="or ends with the connection"),
        pytest.param("GET", 1, head(204), body(0, ended=True), Framing(b""), id="204 has none (RFC 9110 §8.6)"),
        pytest.param("GET", 1, head(304), body(0, ended=True), Framing(b""), id="304 need not have one"),
        pytest.param(
            "GET",
            1,
            head(304, (b"content-length", b"9")),
            body(0, ended=True),
            Framing(b"Content-Length: 9"),
            id="304 keeps that of the other answer",
        ),
        pytest.param(
            "HEAD",
            1,
            head(200, (b"Content-Length", b"9")),
            body(0, ended=True),
            Framing(b"Content-Length: 9"),
            id="HEAD keeps that of GET",
        ),
        pytest.param(
            "HEAD", 1, head(200, (b"Transfer-Encoding", b"chunked")), body(0, ended=True), Framing(b""), id="or none"
        ),
    ],
)
def test_the_framing_is_the_senders(
    method: str, minor: int, answer: ResponseHead, incoming: IncomingBody, framing: Framing
) -> None:
    """RFC 9112 §6, whatever the upstream's was."""
    found = frame(request(f"{method} /orders", minor=minor), answer, incoming, b"ab")
    assert (found.line, found.chunked, found.by_close) == (framing.line, framing.chunked, framing.by_close)


async def relayed(answer: bytes, *fields: tuple[bytes, bytes], start: str = "POST /orders", **options: object) -> World:
    """Returns a world after an answer to one request."""
    world = World()
    await world.send(start, *fields, **options)
    await world.answer(answer)
    return world


async def test_status_fields_and_body_arrive_unchanged() -> None:
    """Fields of the hop and of our token are missing, and the request id is added."""
    answer = ok(
        b"body",
        b"X-b: 1",
        b"Connection: keep-alive, X-Hop",
        b"X-Hop: 1",
        b"x-B: \xff",
        b'WWW-Authenticate: Bearer error="invalid_token"',
        b"Keep-Alive: timeout=5",
        status=418,
    )
    world = await relayed(answer)

    assert world.over
    assert world.sender.received == (
        b"HTTP/1.1 418 OK\r\nX-b: 1\r\nx-B: \xff\r\nContent-Length: 4\r\nX-Request-ID: id-1\r\n\r\nbody"
    )
    world.check(status=418, bytes_out=4)
    assert len(world.pool.idle) == 1


async def test_the_upstreams_own_request_id_stays() -> None:
    """There is only one."""
    world = await relayed(ok(b"", b"x-request-id: theirs"))

    assert [line for line in lines(world.sender.received) if b"equest" in line] == [b"x-request-id: theirs"]


@pytest.mark.parametrize(
    ("minor", "closing", "line"),
    [
        (1, False, None),
        (1, True, b"Connection: close"),
        (0, False, b"Connection: keep-alive"),
        (0, True, b"Connection: close"),
    ],
)
async def test_the_sender_is_told_whether_the_connection_goes_on(
    minor: int, line: bytes | None, *, closing: bool
) -> None:
    """HTTP/1.0 needs `keep-alive` (RFC 9112 §9.3)."""
    world = World()
    world.sender.closing = closing
    await world.send("GET /orders", minor=minor)
    await world.answer(ok())

    told = [each for each in lines(world.sender.received) if each.startswith(b"Connection")]
    assert told == ([line] if line else [])


async def test_a_body_goes_on_as_it_comes() -> None:
    """The chunks are ours."""
    world = await relayed(CHUNKED + b"2\r\nab\r\n")
    assert world.sender.received.endswith(b"\r\n\r\n2\r\nab\r\n")
    await world.answer(b"3;x\r\ncde\r\n")
    await world.answer(b"0\r\nT: v\r\n\r\n")

    assert world.over
    assert world.sender.received.endswith(b"\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n")
    assert (world.record.bytes_out, len(world.pool.idle)) == (5, 1)


async def test_a_body_of_known_length_goes_on_as_it_is() -> None:
    """There are no chunks."""
    world = await relayed(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
    await world.answer(b"cd")

    assert world.over
    assert world.sender.received.endswith(b"\r\n\r\nabcd")


async def test_an_http_1_0_sender_gets_a_body_of_unknown_length_up_to_the_end() -> None:
    """The connection is closed then (RFC 9112 §6.3)."""
    world = await relayed(CHUNKED + b"2\r\nab\r\n", minor=0)
    await world.answer(b"0\r\n\r\n")

    assert world.sender.received.split(b"\r\n\r\n", 1)[1] == b"ab"
    assert world.sender.closing


@pytest.mark.parametrize(
    "cut",
    [
        pytest.param(lambda world: world.lose(), id="the connection ends"),
        pytest.param(lambda world: world.answer(b"zz\r\n"), id="the body breaks"),
    ],
)
async def test_a_body_cut_short_is_cut_short_to_the_sender(cut: object) -> None:
    """The connection is reset, and the record tells the reason."""
    world = await relayed(CHUNKED + b"2\r\nab\r\n")
    await cut(world)  # type: ignore[operator]

    assert world.over
    assert world.sender.aborted
    assert b"0\r\n\r\n" not in world.sender.received
    assert world.record.code in (UpstreamClosed.code, "upstream_malformed")
    assert (world.record.status, world.pool.idle) == (200, [])


async def test_an_answer_that_we_give_up_is_cut_short() -> None:
    """No answer of our own follows in the middle of it."""
    world = await relayed(CHUNKED + b"2\r\nab\r\n")
    world.connection.give_up(Draining("Stopping."))

    assert world.over
    assert world.sender.aborted
    assert b"problem+json" not in world.sender.received
    world.check(status=200, code="draining")


async def test_a_slow_sender_slows_the_upstream() -> None:
    """Nothing is read while the sender does not read."""
    world = await relayed(CHUNKED)
    world.sender.congested = True
    await world.answer(b"2\r\nab\r\n")
    await world.answer(b"2\r\ncd\r\n0\r\n\r\n")
    assert world.sender.received.endswith(b"\r\n\r\n")

    world.sender.congested = False
    world.sender.wake()
    assert world.over
    assert world.sender.received.endswith(b"\r\n\r\n4\r\nabcd\r\n0\r\n\r\n")


@pytest.mark.parametrize("congested", [True, False])
async def test_a_sender_that_leaves_within_the_answer_frees_the_upstream_at_once(*, congested: bool) -> None:
    """The upstream may send nothing for minutes."""
    world = await relayed(CHUNKED + b"2\r\nab\r\n")
    world.sender.congested = congested
    await world.leave()

    world.check(code="sender_left")
    assert not world.connection.open
    assert world.pool.idle == []


@pytest.mark.parametrize("gone", ["left", "half_closed"])
async def test_a_sender_that_is_gone_before_the_answer_is_accounted_for(gone: str) -> None:
    """The record has status 499 and the status of the upstream."""
    world = World()
    await world.send(body=b"abc")
    setattr(world.sender, gone, True)
    world.sender.wake()
    assert world.accounts == []
    await world.answer(ok())

    world.check(status=499, made_by="sender", upstream_status=200)


async def test_an_early_answer_ends_the_senders_connection() -> None:
    """The rest of the request is not read."""
    world = World(buffer=0)
    await world.send(body=None, length=10)
    await world.answer(ok(b"too large", status=413))

    assert world.over
    assert world.sender.closing
    assert b"Connection: close" in lines(world.sender.received)


async def test_the_upstreams_cookies_arrive_under_our_prefix() -> None:
    """Each has its own line."""
    world = await relayed(ok(b"", b"Set-Cookie: A=1; Path=/http/in", b"set-cookie: B=2"))

    assert [line for line in lines(world.sender.received) if b"ookie" in line] == [
        b"Set-Cookie: cpi.orders~A=1; Path=/orders",
        b"Set-Cookie: cpi.orders~B=2",
    ]


async def test_the_upstreams_cookies_can_be_dropped() -> None:
    """The option is `cookies: drop`."""
    world = World(cookies="drop")
    await world.send()
    await world.answer(ok(b"", b"Set-Cookie: A=1"))

    assert b"ookie" not in world.sender.received


async def test_ids_of_the_message_are_accounted_for() -> None:
    """They are in fields, or in an error text."""
    fields = (b"SAP_MessageProcessingLogID: AG1", b"X-CorrelationID: c1")
    world = await relayed(ok(b"", *fields))
    world.check(mpl_id="AG1", correlation_id="c1")

    failed = await relayed(ok(MPL, status=500))
    assert failed.record.mpl_id == "AGabcdefghijklmnopqrstuv"
    streamed = await relayed(b"HTTP/1.1 500 E\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(MPL), MPL))
    await streamed.answer(b"0\r\n\r\n")
    assert streamed.record.mpl_id == "AGabcdefghijklmnopqrstuv"


async def test_a_successful_answer_is_not_searched_for_ids() -> None:
    """Its text is payload."""
    assert (await relayed(ok(MPL))).record.mpl_id == ""


@pytest.mark.parametrize("answer", [b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 304 Not Modified\r\n\r\n"])
async def test_an_answer_without_body_stays_without(answer: bytes) -> None:
    """It gets no length either."""
    world = await relayed(answer, start="GET /orders")

    assert world.over
    assert world.sender.received.endswith(b"X-Request-ID: id-1\r\n\r\n")
    assert b"ength" not in world.sender.received
