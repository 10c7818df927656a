"""What the upstream answers is what the sender gets: status, reason, fields, body; we add X-Request-ID."""

from tests.cases import cases
from tests.fakes.sender import request
from tests.fakes.upstream import Upstream, answer
from tests.flow.running import POST, Running

STATUSES = [200, 201, 202, 204, 206, 300, 302, 304, 307, 400, 403, 404, 409, 422, 500, 501, 502, 503, 504, 599]


@cases("status", *STATUSES)
async def test_every_status_is_relayed_with_its_reason_and_body(
    plain: Running, upstream: Upstream, status: int
) -> None:
    """No redirect is followed."""
    body = b"" if status in (204, 304) else b"as it is"
    upstream.follow(answer(status, b"Location: https://elsewhere.example/", body=body, reason=b"My Own Reason"))
    relayed = await plain.ask(POST)
    assert relayed.start == b"HTTP/1.1 %d My Own Reason" % status
    assert relayed.field(b"Location") == [b"https://elsewhere.example/"]
    assert (relayed.body, len(upstream.requests)) == (body, 1)


async def test_an_upstream_does_not_speak_for_the_proxy(plain: Running, upstream: Upstream) -> None:
    """Its Proxy-Status is dropped."""
    forged = (b"Proxy-Status: here; error=connection_refused", b"Connection: content-type", b"Content-Type: text/xml")
    upstream.follow(answer(502, *forged, body=b"as it is"))
    relayed = await plain.ask(POST)
    assert (relayed.status, relayed.field(b"Proxy-Status"), relayed.field(b"Content-Type")) == (502, [], [b"text/xml"])
    assert (await plain.record())["made_by"] == "upstream"


@cases("coding", b"gzip", b"deflate", b"br", b"zstd", b"gzip, br", b"of its own")
async def test_codings_of_bodies_go_through_in_both_directions(
    plain: Running, upstream: Upstream, coding: bytes
) -> None:
    """Nothing is unpacked."""
    upstream.follow(answer(200, b"Content-Encoding: " + coding, body=b"packed"))
    relayed = await plain.ask(request(b"POST /orders", b"Content-Encoding: " + coding, body=b"other"))
    assert (relayed.status, relayed.field(b"Content-Encoding"), relayed.body) == (200, [coding], b"packed")
    received = upstream.requests[0]
    assert (received.field(b"Content-Encoding"), bytes(received.body)) == ([coding], b"other")
