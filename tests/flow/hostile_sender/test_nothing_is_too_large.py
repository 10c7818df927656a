"""Requests that are too large are refused as early as possible."""

from typing import Any

import pytest

from tests.cases import cases
from tests.fakes.sender import chunked, request
from tests.flow.hostile_sender.fence import Fence

CHUNKED = b"Transfer-Encoding: chunked"


HEAD = request(b"POST /orders")[:-2]
LARGE_HEAD, LONG_TARGET = (431, "head_too_large"), (414, "target_too_long")
MALFORMED, LARGE_BODY = (400, "request_malformed"), (413, "body_too_large")


@cases(
    "octets, refusal",
    {
        "an endless head": (HEAD + b"X: x\r\n" * 1000, LARGE_HEAD),
        "an endless value": (HEAD + b"X: " + b"x" * 5000, LARGE_HEAD),
        "an endless name": (HEAD + b"x" * 5000, LARGE_HEAD),
        "very many fields": (HEAD + b"X:\r\n" * 30 + b"\r\n", LARGE_HEAD),
        "an endless path": (b"GET /orders/" + b"x" * 5000, LONG_TARGET),
        "an endless query": (b"GET /orders?" + b"x" * 5000, LONG_TARGET),
        "a length above 64 bits": (request(b"POST /orders", b"Content-Length: 18446744073709551617"), MALFORMED),
        "a length of many digits": (request(b"POST /orders", b"Content-Length: " + b"0" * 30 + b"1"), MALFORMED),
        "a chunk size above 64 bits": (request(b"POST /orders", CHUNKED) + b"10000000000000000\r\nx\r\n", MALFORMED),
        "a chunk size of many digits": (request(b"POST /orders", CHUNKED) + b"0" * 2000 + b"1\r\nx\r\n", MALFORMED),
    },
)
async def test_what_is_too_large_ends_the_connection(fence: Fence, octets: bytes, refusal: tuple[int, str]) -> None:
    """The refusal comes before its end."""
    assert await fence.end(octets) == refusal


@cases("length", b"2049", b"999999999999999999")
async def test_a_body_that_says_it_is_too_large_is_refused(fence: Fence, length: bytes) -> None:
    """The body is not read."""
    assert await fence.refusal(request(b"POST /orders", b"Content-Length: " + length)) == LARGE_BODY


async def test_a_body_that_becomes_too_large_in_chunks_is_refused(fence: Fence) -> None:
    """In one chunk or a thousand."""
    for body in (chunked(b"x" * 3000), chunked(*[b"xxx"] * 1000), b"fffffffff\r\n" + b"x" * 3000):
        assert (await fence.ask(request(b"POST /orders", CHUNKED) + body)).refusal == LARGE_BODY
    assert all(len(each.body) <= 2048 for each in fence.upstream.requests)


@cases("endless", b"1;" + b"a=b;" * 1000, b"0\r\nX: " + b"x" * 20_000, b"0\r\n" + b"X: x\r\n" * 3000)
async def test_endless_extensions_and_trailers_are_malformed(fence: Fence, endless: bytes) -> None:
    """They have not ended when they are refused."""
    assert await fence.refusal(request(b"POST /orders", CHUNKED) + endless) == MALFORMED


@pytest.mark.parametrize("limits", [{"max_head": "64KiB"}])
async def test_a_long_path_is_cut_in_the_log(fence: Fence, limits: dict[str, Any]) -> None:
    """The query is not logged."""
    del limits
    await fence.delivery(request(b"GET /orders/" + b"x" * 30_000 + b"?q"))
    assert len((await fence.proxy.record())["path"]) == 256
