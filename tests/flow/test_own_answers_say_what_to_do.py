"""An answer of the proxy's own is a problem (RFC 9457) with a stable code, and is marked as the proxy's (RFC 9209)."""

import json
from email.utils import formatdate

import pytest

from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import request
from tests.fakes.upstream import Upstream, hang_up
from tests.flow.running import Serve, document


async def test_it_is_a_whole_problem(serve: Serve, upstream: Upstream, authority: AuthorizationServer) -> None:
    """Every member, and every field."""
    proxy = await serve(document(upstream, authority))
    answer = await (await proxy.sender()).ask(request(b"GET /nowhere", b"X-Request-ID: mine"))
    assert answer.start == b"HTTP/1.1 404 Not Found"
    assert dict(answer.fields) == {
        b"Date": formatdate(proxy.clock.wall(), usegmt=True).encode(),
        b"Content-Type": b"application/problem+json",
        b"Content-Length": b"%d" % len(answer.body),
        b"Proxy-Status": b'here; details="route_unknown"',
        b"X-Request-ID": b"mine",
    }
    assert answer.problem == {
        "type": "about:blank",
        "title": "No route for this request",
        "status": 404,
        "detail": "No route has this host and path; see `routes` in the configuration.",
        "code": "route_unknown",
        "request_id": "mine",
    }


async def test_only_the_log_names_the_nearest_route(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """A sender does not learn which routes there are."""
    proxy = await serve(document(upstream, authority))
    answer = await (await proxy.sender()).ask(request(b"GET /order/1"))
    detail = "No route has this host and path; see `routes` in the configuration."
    assert answer.problem["detail"] == detail
    assert b"orders" not in answer.body + b"".join(value for _, value in answer.fields)
    assert (await proxy.record())["detail"] == f"{detail} The nearest route is orders, with path /orders."


async def test_head_gets_the_fields_only(serve: Serve, upstream: Upstream, authority: AuthorizationServer) -> None:
    """RFC 9110 §9.3.2: with the length that GET would have."""
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    got = await sender.ask(request(b"GET /nowhere", b"X-Request-ID: mine"))
    head = await sender.ask(request(b"HEAD /nowhere", b"X-Request-ID: mine"))
    assert (head.start, head.fields) == (got.start, got.fields)
    assert (await sender.ask(request(b"GET /orders"))).status == 200


async def test_the_senders_connection_goes_on_where_its_request_was_whole(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """A mistake in one message is no reason to connect anew."""
    upstream.script[0] = hang_up
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    codes = [(await sender.ask(request(b"POST " + path, body=b"x"))).code for path in (b"/orders", b"/x", b"/orders")]
    assert codes == ["upstream_closed", "route_unknown", "upstream_closed"]


@pytest.mark.parametrize("request_id", [b'"quoted"', b"x" * 300, b"K\xf6ln", b"<script>"])
async def test_whatever_a_sender_calls_its_request_the_answer_is_well_formed(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, request_id: bytes
) -> None:
    """In the field, in the problem, and in the log."""
    proxy = await serve(document(upstream, authority))
    answer = await (await proxy.sender()).ask(request(b"GET /nowhere", b"X-Request-ID: " + request_id))
    shown = request_id[:128]
    assert answer.field(b"X-Request-ID") == [shown]
    assert json.loads(answer.body)["request_id"] == shown.decode("latin-1")
    assert (await proxy.record())["request_id"] == shown.decode("latin-1")
