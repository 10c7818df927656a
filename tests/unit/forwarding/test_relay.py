"""How answers are relayed."""

from proxy.errors import Draining, UpstreamClosed
from proxy.forwarding.relay import Framing, frame
from proxy.wire.body import IncomingBody
from proxy.wire.grammar import ResponseHead
from tests.cases import cases
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


@cases(
    "method, minor, answer, incoming, framing",
    {
        "a length stays": ("GET", 1, head(), body(5), Framing(b"Content-Length: 5")),
        "a length stays in HTTP/1.0": ("GET", 0, head(), body(5), Framing(b"Content-Length: 5")),
        "what is whole has one": ("GET", 1, head(), body(0, ended=True), Framing(b"Content-Length: 2")),
        "also in HTTP/1.0": ("GET", 0, head(), body(None, ended=True), Framing(b"Content-Length: 2")),
        "else it is chunked": ("GET", 1, head(), body(None), Framing(b"Transfer-Encoding: chunked", chunked=True)),
        "or ends with the connection": ("GET", 0, head(), body(None), Framing(b"", by_close=True)),
        "204 has none (RFC 9110 §8.6)": ("GET", 1, head(204), body(0, ended=True), Framing(b"")),
        "304 need not have one": ("GET", 1, head(304), body(0, ended=True), Framing(b"")),
        "304 keeps that of the other answer": (
            "GET",
            1,
            head(304, (b"content-length", b"9")),
            body(0, ended=True),
            Framing(b"Content-Length: 9"),
        ),
        "HEAD keeps that of GET": (
            "HEAD",
            1,
            head(200, (b"Content-Length", b"9")),
            body(0, ended=True),
            Framing(b"Content-Length: 9"),
        ),
        "or none": ("HEAD", 1, head(200, (b"Transfer-Encoding", b"chunked")), body(0, ended=True), Framing(b"")),
    },
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


async def test_the_upstreams_own_request_id_stays() -> None:
    """There is only one."""
    world = await relayed(ok(b"", b"x-request-id: theirs"))

    assert [line for line in lines(world.sender.received) if b"equest" in line] == [b"x-request-id: theirs"]


@cases(
    "minor, closing, line",
    (1, False, None),
    (1, True, b"Connection: close"),
    (0, False, b"Connection: keep-alive"),
    (0, True, b"Connection: close"),
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


async def test_an_http_1_0_sender_gets_a_body_of_unknown_length_up_to_the_end() -> None:
    """The connection is closed then (RFC 9112 §6.3)."""
    world = await relayed(CHUNKED + b"2\r\nab\r\n", minor=0)
    await world.answer(b"0\r\n\r\n")

    assert world.sender.received.split(b"\r\n\r\n", 1)[1] == b"ab"
    assert world.sender.closing


@cases(
    "cut", {"the connection ends": lambda world: world.lose(), "the body breaks": lambda world: world.answer(b"zz\r\n")}
)
@cases("minor", 0, 1)
async def test_a_body_cut_short_is_cut_short_to_the_sender(cut: object, minor: int) -> None:
    """The connection is reset."""
    world = await relayed(CHUNKED + b"2\r\nab\r\n", minor=minor)
    await cut(world)  # type: ignore[operator]

    assert world.over
    assert world.sender.aborted
    assert b"0\r\n\r\n" not in world.sender.received
    assert world.record.code in (UpstreamClosed.code, "upstream_malformed")
    assert (world.record.status, world.pool.idle) == (200, [])


async def test_an_answer_that_we_give_up_is_cut_short() -> None:
    """No answer of our own follows."""
    world = await relayed(CHUNKED + b"2\r\nab\r\n")
    world.connection.give_up(Draining("Stopping."))

    assert world.over
    assert world.sender.aborted
    assert b"problem+json" not in world.sender.received
    world.check(status=200, code="draining")


@cases("congested", True, False)
async def test_a_sender_that_leaves_within_the_answer_frees_the_upstream_at_once(*, congested: bool) -> None:
    """The upstream may send nothing for minutes."""
    world = await relayed(CHUNKED + b"2\r\nab\r\n")
    world.sender.congested = congested
    await world.leave()

    world.check(code="sender_left")
    assert not world.connection.open
    assert world.pool.idle == []


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
