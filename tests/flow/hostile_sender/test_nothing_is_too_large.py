"""Requests that are too large are refused as early as possible."""

from typing import Any

import pytest

from tests.fakes.sender import chunked, request
from tests.flow.hostile_sender.fence import Fence

CHUNKED = b"Transfer-Encoding: chunked"


async def test_an_endless_head_is_refused(fence: Fence) -> None:
    """The refusal comes before its end."""
    octets = request(b"POST /orders")[:-2] + b"X: x\r\n" * 1000
    assert await fence.end(octets) == (431, "head_too_large")


async def test_an_endless_field_is_refused(fence: Fence) -> None:
    """The name or the value may be endless."""
    assert await fence.end(request(b"POST /orders")[:-2] + b"X: " + b"x" * 5000) == (431, "head_too_large")
    assert await fence.end(request(b"POST /orders")[:-2] + b"x" * 5000) == (431, "head_too_large")


async def test_very_many_fields_are_refused(fence: Fence) -> None:
    """Their size does not matter."""
    assert await fence.end(request(b"POST /orders", *[b"X:"] * 30)) == (431, "head_too_large")


async def test_an_endless_target_is_refused(fence: Fence) -> None:
    """The path or the query may be endless."""
    assert await fence.end(b"GET /orders/" + b"x" * 5000) == (414, "target_too_long")
    assert await fence.end(b"GET /orders?" + b"x" * 5000) == (414, "target_too_long")


async def test_empty_lines_in_front_of_a_request_are_none(fence: Fence) -> None:
    """The request after them is served."""
    received = await fence.delivery(b"\r\n" * 30_000 + request(b"GET /orders"))
    assert received.target == b"/http/orders"


@pytest.mark.parametrize("length", [b"2049", b"1000000", b"999999999999999999"])
async def test_a_body_that_says_it_is_too_large_is_refused(fence: Fence, length: bytes) -> None:
    """The body is not read."""
    refused = await fence.ask(request(b"POST /orders", b"Content-Length: " + length))
    assert (refused.status, refused.code, fence.targets, fence.grants) == (413, "body_too_large", [], 0)


async def test_a_body_that_becomes_too_large_in_chunks_is_refused(fence: Fence) -> None:
    """It may be one chunk or a thousand."""
    for body in (chunked(b"x" * 3000), chunked(*[b"xxx"] * 1000)):
        refused = await fence.ask(request(b"POST /orders", CHUNKED) + body)
        assert refused.refusal == (413, "body_too_large")
    assert all(len(each.body) <= 2048 for each in fence.upstream.requests)


@pytest.mark.parametrize(
    "size", [b"10000000000000000", b"ffffffffffffffffffffffff", b"0" * 2000 + b"1", b"7fffffffffffffff"]
)
async def test_a_chunk_size_that_overflows_is_malformed(fence: Fence, size: bytes) -> None:
    """It would be another number in 32 or 64 bits."""
    octets = request(b"POST /orders", CHUNKED) + size + b"\r\nx\r\n0\r\n\r\n"
    assert await fence.end(octets) == (400, "request_malformed")


async def test_a_chunk_that_is_larger_than_a_body_may_be_is_refused(fence: Fence) -> None:
    """The refusal does not wait for its end."""
    refused = await fence.ask(request(b"POST /orders", CHUNKED) + b"fffffffff\r\n" + b"x" * 3000)
    assert refused.refusal == (413, "body_too_large")


async def test_endless_chunk_extensions_are_malformed(fence: Fence) -> None:
    """Their length is limited."""
    octets = request(b"POST /orders", CHUNKED) + b"1;" + b"a=b;" * 1000
    assert await fence.refusal(octets) == (400, "request_malformed")  # though the line has not ended


async def test_very_many_small_extensions_carry_nothing(fence: Fence) -> None:
    """Only the content is forwarded."""
    body = b"1;%b\r\nx\r\n" % (b"e" * 500) * 100 + b"0;last\r\n\r\n"
    assert bytes((await fence.delivery(request(b"POST /orders", CHUNKED) + body)).body) == b"x" * 100


async def test_endless_trailers_are_malformed(fence: Fence) -> None:
    """They may be one line or many."""
    for trailers in (b"X: " + b"x" * 20_000, b"X: x\r\n" * 3000):
        octets = request(b"POST /orders", CHUNKED) + b"1\r\nx\r\n0\r\n" + trailers
        assert await fence.refusal(octets) == (400, "request_malformed")  # though they have not ended


@pytest.mark.parametrize("length", [b"18446744073709551617", b"9" * 19, b"0" * 30 + b"1"])
async def test_a_length_that_overflows_is_malformed(fence: Fence, length: bytes) -> None:
    """It would be another number in 64 bits."""
    assert await fence.end(request(b"POST /orders", b"Content-Length: " + length)) == (400, "request_malformed")


async def test_a_compressed_body_is_not_unpacked(fence: Fence) -> None:
    """It is forwarded unchanged."""
    bomb = b"\x1f\x8b\x08\x00" + b"\x00" * 1000
    received = await fence.delivery(request(b"POST /orders", b"Content-Encoding: gzip", body=bomb))
    assert (bytes(received.body), received.field(b"Content-Encoding")) == (bomb, [b"gzip"])


@pytest.mark.parametrize("limits", [{"max_head": "64KiB"}])
async def test_a_long_path_is_cut_in_the_log(fence: Fence, limits: dict[str, Any]) -> None:
    """The query is not logged."""
    del limits
    await fence.delivery(request(b"GET /orders/" + b"x" * 30_000 + b"?q"))
    assert len((await fence.proxy.record())["path"]) == 256
