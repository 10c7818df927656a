"""Where a body ends is in no doubt, or the request is refused and nothing behind it is read (RFC 9112 §11.2)."""

from tests.cases import cases
from tests.fakes.sender import chunked, request
from tests.flow.hostile_sender.fence import PLANTED, Fence

MALFORMED = (400, "request_malformed")
CHUNKED = b"Transfer-Encoding: chunked"


def lined(*lines: bytes, body: bytes = b"") -> bytes:
    """Makes a POST with these lines."""
    return b"\r\n".join([b"POST /orders HTTP/1.1", b"Host: x", *lines, b"", body])


LENGTHS = b"+5 -5 0x5 5.0 5e0 five 5; '5' \xd9\xa5".split()
CODINGS = b'identity xchunked chunked,chunked gzip,chunked chunked,identity chunked;q=1 "chunked" chunke'.split()
AMBIGUOUS = {
    "length and chunks (CL.TE)": [(b"Content-Length: 4", CHUNKED), (CHUNKED, b"Content-Length: 4")],
    "two lengths": [
        (b"Content-Length: 5", b"Content-Length: 0"),
        (b"Content-Length: 5", b"content-length: 5"),
        (b"Content-Length: 5, 5",),
        (b"Content-Length: 0, 5",),
    ],
    "not a number (RFC 9110 §8.6)": [(b"Content-Length: " + each,) for each in (*LENGTHS, b"5 5", b"")],
    "another coding (TE.TE)": [(b"Transfer-Encoding: " + each,) for each in (*CODINGS, b"")],
    "two codings": [(CHUNKED, b"Transfer-encoding: identity"), (CHUNKED, CHUNKED)],
    "a disguised framing field": [
        (line, b"Content-Length: 5")
        for line in (
            b"Transfer-Encoding : chunked",
            b"Transfer-Encoding\t: chunked",
            b" Transfer-Encoding: chunked",
            b"X: x\r\n Transfer-Encoding: chunked",
            b"X: x\nTransfer-Encoding: chunked",
            b"X: x\rTransfer-Encoding: chunked",
            b"Transfer-Encoding: \x0bchunked",
            b"Transfer-Encoding: chunked\x00",
            b"Transfer-Encoding\x00: chunked",
            b"Transfer-Encoding",
            b"Transfer\xa0Encoding: chunked",
        )
    ],
    "a folded line (RFC 9112 §5.2)": [(b"X: a", b" Content-Length: 5"), (b"Content-Length:", b"\t5")],
    "a space before a colon (RFC 9112 §5.1)": [(b"Content-Length : 5",)],
    "a bare LF": [(b"X: x\n",), (b"X: x\nContent-Length: 5",)],
}
"Fields that two servers may read differently, by the reason."


@cases("heads", AMBIGUOUS)
async def test_an_ambiguous_length_is_refused(fence: Fence, heads: list[tuple[bytes, ...]]) -> None:
    """Nothing behind it is read."""
    for lines in heads:
        for body in (b"hello", b"0\r\n\r\n"):
            assert await fence.end(lined(*lines, body=body)) == MALFORMED, lines


@cases(
    "line",
    b"POST  /orders HTTP/1.1",
    b"POST /orders  HTTP/1.1",
    b"POST\t/orders\tHTTP/1.1",
    b"POST /orders HTTP/1.1 ",
    b"POST /orders http/1.1",
    b"POST /orders",
    b"POST /orders HTTP/0.9",
    b"POST /a HTTP/1.1 /orders HTTP/1.1",
)
async def test_a_request_line_that_can_be_read_in_two_ways_is_refused(fence: Fence, line: bytes) -> None:
    """Single spaces separate three words (RFC 9112 §3)."""
    answered = await fence.ask(line + b"\r\nHost: x\r\n\r\n" + PLANTED)
    assert answered.status in (400, 505)
    assert fence.targets == []


async def test_chunks_in_http_1_0_are_refused(fence: Fence) -> None:
    """HTTP/1.0 has no chunks."""
    octets = lined(CHUNKED, body=b"0\r\n\r\n").replace(b"HTTP/1.1", b"HTTP/1.0")
    assert await fence.end(octets) == MALFORMED


@cases(
    "body",
    b"5\nhello\r\n0\r\n\r\n",
    b"5\r\nhello\n0\r\n\r\n",
    b"5\r\nhello!\r\n0\r\n\r\n",
    b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    b"5 \r5\r\nhello\r\n0\r\n\r\n",
    b"0x5\r\nhello\r\n0\r\n\r\n",
    b"+5\r\nhello\r\n0\r\n\r\n",
    b"\r\nhello\r\n0\r\n\r\n",
    b"5\r\nhello\r\n0\r\nX: a\n\r\n",
    b"5\r\nhello\r\n0\r\n GET /orders HTTP/1.1\r\n\r\n",
)
async def test_a_chunk_that_can_be_read_in_two_ways_is_refused(fence: Fence, body: bytes) -> None:
    """RFC 9112 §7.1 is read strictly."""
    assert await fence.end(lined(CHUNKED, body=body)) == MALFORMED


async def test_a_request_within_a_body_is_content(fence: Fence) -> None:
    """The body may have a length or chunks."""
    sender = await fence.proxy.sender()
    assert (await sender.ask(request(b"POST /orders", body=PLANTED))).status == 200
    assert (await sender.ask(request(b"POST /orders", CHUNKED) + chunked(PLANTED))).status == 200
    assert [bytes(each.body) for each in fence.upstream.requests] == [PLANTED, PLANTED]


@cases("start", b"POST /nowhere", b"POST /orders/../x", b"POST /listed", b"POST /keyed", b"TRACE /orders")
async def test_a_request_within_a_refused_body_is_not_read(fence: Fence, start: bytes) -> None:
    """The refusal comes before the body."""
    sender = await fence.proxy.begin(request(start, b"Content-Length: %d" % (len(PLANTED) + 1)))
    refused = await sender.answer()
    await sender.send(PLANTED)
    sender.finish()
    assert refused.field(b"Proxy-Status") != []
    assert await sender.rest() == b""
    assert fence.targets == []


async def test_a_body_that_comes_without_leave_is_no_request(fence: Fence) -> None:
    """The sender sends it after the refusal."""
    sender = await fence.proxy.sender()
    refused = await sender.ask(request(b"POST /keyed", b"Expect: 100-continue", b"Content-Length: %d" % len(PLANTED)))
    await sender.send(PLANTED)
    sender.finish()
    assert (refused.status, refused.field(b"Connection"), await sender.rest()) == (403, [b"close"], b"")
    assert fence.targets == []


async def test_what_follows_a_request_that_closes_is_not_read(fence: Fence) -> None:
    """The request is the last one."""
    sender = await fence.proxy.begin(request(b"GET /orders", b"Connection: close") + PLANTED)
    assert (await sender.answer()).status == 200
    assert (await sender.rest(), fence.targets) == (b"", [b"/http/orders"])
