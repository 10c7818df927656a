"""Half an answer never looks whole, wherever the upstream's connection is cut."""

import asyncio

import pytest

from tests.cases import cases
from tests.fakes.sender import Answer, Sender, chunked, request
from tests.fakes.upstream import Call, Line, Upstream, head
from tests.flow.running import POST, Running, soon

WITH_LENGTH = head(200, b"Content-Length: 11", b"Content-Type: text/plain") + b"the message"
CHUNKED = head(200, b"Transfer-Encoding: chunked") + chunked(b"the ", b"message")
BY_CLOSE = head(200, b"Content-Type: text/plain") + b"the message"
CUT = (ConnectionError, asyncio.IncompleteReadError)


def sending(octets: bytes, *, reset: bool = False) -> Line:
    """Make a line that sends a part of an answer."""

    async def line(call: Call) -> None:
        await call.body()
        await call.send(octets)
        if reset:
            call.reset()
        else:
            call.close()

    return line


async def outcome(sender: Sender, octets: bytes) -> Answer | None:
    """The whole answer; None if it is cut."""
    try:
        return await sender.ask(octets)
    except CUT:
        return None
    finally:
        sender.leave()


@cases("whole", WITH_LENGTH, CHUNKED)
async def test_an_answer_cut_at_any_octet_is_no_answer(plain: Running, upstream: Upstream, whole: bytes) -> None:
    """In the head it is a 502, later a reset."""
    ends_of_head = whole.index(b"\r\n\r\n") + 4
    for at in range(len(whole)):
        upstream.follow(sending(whole[:at]))
        seen = await outcome(await plain.sender(), POST)
        if at < ends_of_head:
            assert seen is not None
            assert (at, seen.status, seen.code) == (at, 502, "upstream_closed")
        else:
            assert (at, seen) == (at, None)
    upstream.follow(sending(whole))
    seen = await outcome(await plain.sender(), POST)
    assert seen is not None
    assert seen.body == b"the message"
    assert len(upstream.requests) == len(whole) + 1


@cases("whole", WITH_LENGTH, CHUNKED, BY_CLOSE)
async def test_a_reset_in_the_body_is_passed_on(plain: Running, upstream: Upstream, whole: bytes) -> None:
    """Even if only the end would tell the end of the body."""

    async def reset_when_relayed(call: Call) -> None:
        await call.body()
        await call.send(whole[:-3])
        await soon(relayed.wait())
        call.reset()

    relayed = asyncio.Event()
    upstream.follow(reset_when_relayed)
    sender = await plain.begin()
    assert await sender.read(12) == b"HTTP/1.1 200"
    relayed.set()
    with pytest.raises(ConnectionResetError):
        await sender.rest()
    record = await plain.record()
    assert (record["status"], record["code"]) == (200, "upstream_closed")


@cases("answer", b"220 smtp.example ESMTP ready\r\n\r\n", head(200, b"X: a\n b"))
async def test_an_answer_that_is_no_http_is_a_502(plain: Running, upstream: Upstream, answer: bytes) -> None:
    """Nothing is sent again."""

    async def babble(call: Call) -> None:
        await call.body()
        await call.send(answer)
        await call.ended()

    upstream.follow(babble)
    refused = await plain.ask(request(b"GET /orders"))
    assert refused.refusal == (502, "upstream_malformed")
    assert refused.field(b"Proxy-Status") == [b'here; error=http_protocol_error; details="upstream_malformed"']
    assert (len(upstream.requests), b"smtp.example" in refused.body) == (1, False)
