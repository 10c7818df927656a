"""Where a body ends is in no doubt, or the request is refused and nothing behind it is read (RFC 9112 §11.2)."""

import pytest

from tests.fakes.sender import chunked, request
from tests.flow.hostile_sender.fence import PLANTED, Fence

MALFORMED = (400, "request_malformed")
CHUNKED = b"Transfer-Encoding: chunked"


def lined(*lines: bytes, body: bytes = b"") -> bytes:
    """A POST of these lines as they are."""
    return b"\r\n".join([b"POST /orders HTTP/1.1", b"Host: x", *lines, b"", body])


async def test_a_length_beside_chunks_is_refused(fence: Fence) -> None:
    """CL.TE: in either order."""
    assert await fence.end(lined(b"Content-Length: 4", CHUNKED, body=b"0\r\n\r\n")) == MALFORMED
    assert await fence.end(lined(CHUNKED, b"Content-Length: 4", body=b"0\r\n\r\n")) == MALFORMED


async def test_two_lengths_are_refused(fence: Fence) -> None:
    """Different or the same, in two fields or in one."""
    for lines in (
        (b"Content-Length: 5", b"Content-Length: 0"),
        (b"Content-Length: 5", b"content-length: 5"),
        (b"Content-Length: 5, 5",),
        (b"Content-Length: 0, 5",),
    ):
        assert await fence.end(lined(*lines, body=b"hello")) == MALFORMED


@pytest.mark.parametrize(
    "length", [b"+5", b"-5", b"0x5", b"5 5", b"5.0", b"5e0", b"", b"five", b"\xd9\xa5", b"5;", b"'5'"]
)
async def test_a_length_that_is_no_number_is_refused(fence: Fence, length: bytes) -> None:
    """RFC 9110 §8.6: digits."""
    assert await fence.end(lined(b"Content-Length: " + length, body=b"hello")) == MALFORMED


@pytest.mark.parametrize(
    "coding",
    [
        b"chunked, identity",
        b"identity",
        b"xchunked",
        b"chunked, chunked",
        b"gzip, chunked",
        b"chunked;q=1",
        b'"chunked"',
        b"",
        b"chunke",
    ],
)
async def test_another_coding_than_chunked_alone_is_refused(fence: Fence, coding: bytes) -> None:
    """TE.TE: whoever does not know it would read on."""
    assert await fence.end(lined(b"Transfer-Encoding: " + coding, body=b"0\r\n\r\n")) == MALFORMED


async def test_two_transfer_encodings_are_refused(fence: Fence) -> None:
    """Also where both say the same."""
    assert await fence.end(lined(CHUNKED, b"Transfer-encoding: identity", body=b"0\r\n\r\n")) == MALFORMED
    assert await fence.end(lined(CHUNKED, CHUNKED, body=b"0\r\n\r\n")) == MALFORMED


@pytest.mark.parametrize(
    "line",
    [
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
    ],
)
async def test_a_framing_field_in_disguise_is_refused(fence: Fence, line: bytes) -> None:
    """One reader sees it and another does not."""
    assert await fence.end(lined(line, b"Content-Length: 5", body=b"0\r\n\r\n")) == MALFORMED


async def test_a_folded_line_is_refused(fence: Fence) -> None:
    """Obs-fold, with a space or a tab (RFC 9112 §5.2)."""
    assert await fence.end(lined(b"X: a", b" Content-Length: 5")) == MALFORMED
    assert await fence.end(lined(b"Content-Length:", b"\t5", body=b"hello")) == MALFORMED


async def test_a_line_that_ends_without_cr_is_refused(fence: Fence) -> None:
    """Bare LF, between fields and at the end of the head."""
    assert await fence.end(b"POST /orders HTTP/1.1\nHost: x\r\n\r\n") == MALFORMED
    assert await fence.end(b"POST /orders HTTP/1.1\r\nHost: x\r\n\n") == MALFORMED


async def test_spaces_before_a_colon_are_refused(fence: Fence) -> None:
    """RFC 9112 §5.1."""
    assert await fence.end(lined(b"Content-Length : 5", body=b"hello")) == MALFORMED


@pytest.mark.parametrize(
    "line",
    [
        b"POST  /orders HTTP/1.1",
        b"POST /orders  HTTP/1.1",
        b"POST\t/orders\tHTTP/1.1",
        b"POST /orders HTTP/1.1 ",
        b"POST /orders http/1.1",
        b"POST /orders",
        b"POST /orders HTTP/0.9",
        b"POST /a HTTP/1.1 /orders HTTP/1.1",
    ],
)
async def test_a_request_line_that_can_be_read_in_two_ways_is_refused(fence: Fence, line: bytes) -> None:
    """Three words, one space between them (RFC 9112 §3)."""
    answered = await fence.ask(line + b"\r\nHost: x\r\n\r\n" + PLANTED)
    assert answered.status in (400, 505)
    assert fence.targets == []


async def test_chunks_in_http_1_0_are_refused(fence: Fence) -> None:
    """Whoever passes them on as they are speaks to somebody who does not know them."""
    octets = lined(CHUNKED, body=b"0\r\n\r\n").replace(b"HTTP/1.1", b"HTTP/1.0")
    assert await fence.end(octets) == MALFORMED


@pytest.mark.parametrize(
    "body",
    [
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
    ],
)
async def test_a_chunk_that_can_be_read_in_two_ways_is_refused(fence: Fence, body: bytes) -> None:
    """By the letter of RFC 9112 §7.1; nothing has gone on of it."""
    assert await fence.end(lined(CHUNKED, body=body)) == MALFORMED


async def test_a_request_within_a_body_is_content(fence: Fence) -> None:
    """With its length, and in chunks."""
    sender = await fence.proxy.sender()
    assert (await sender.ask(request(b"POST /orders", body=PLANTED))).status == 200
    assert (await sender.ask(request(b"POST /orders", CHUNKED) + chunked(PLANTED))).status == 200
    assert [bytes(each.body) for each in fence.upstream.requests] == [PLANTED, PLANTED]


@pytest.mark.parametrize(
    "start", [b"POST /nowhere", b"POST /orders/../x", b"POST /listed", b"POST /keyed", b"TRACE /orders"]
)
async def test_a_request_within_a_refused_body_is_not_read(fence: Fence, start: bytes) -> None:
    """The refusal comes before the body."""
    sender = await fence.proxy.sender()
    await sender.send(request(start, b"Content-Length: %d" % (len(PLANTED) + 1)))
    refused = await sender.answer()
    await sender.send(PLANTED)
    sender.finish()
    assert refused.field(b"Proxy-Status") != []
    assert await sender.rest() == b""
    assert fence.targets == []


async def test_a_body_that_comes_without_leave_is_no_request(fence: Fence) -> None:
    """Expect says that it would wait; after the refusal it comes all the same."""
    sender = await fence.proxy.sender()
    refused = await sender.ask(request(b"POST /keyed", b"Expect: 100-continue", b"Content-Length: %d" % len(PLANTED)))
    await sender.send(PLANTED)
    sender.finish()
    assert (refused.status, refused.field(b"Connection"), await sender.rest()) == (403, [b"close"], b"")
    assert fence.targets == []


async def test_what_follows_a_request_that_closes_is_not_read(fence: Fence) -> None:
    """It was the last."""
    sender = await fence.proxy.sender()
    await sender.send(request(b"GET /orders", b"Connection: close") + PLANTED)
    assert (await sender.answer()).status == 200
    assert (await sender.rest(), fence.targets) == (b"", [b"/http/orders"])


@pytest.mark.parametrize("cut", [1, 20, len(PLANTED) - 1])
async def test_half_a_request_is_none(fence: Fence, cut: int) -> None:
    """Whoever leaves in the middle has sent nothing."""
    sender = await fence.proxy.sender()
    await sender.send(PLANTED[:cut])
    sender.finish()
    assert (await sender.rest(), fence.targets) == (b"", [])
