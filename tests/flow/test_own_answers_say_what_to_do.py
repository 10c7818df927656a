"""An answer of the proxy's own is a problem (RFC 9457) with a stable code, and is marked as the proxy's (RFC 9209)."""

from email.utils import formatdate

from tests.fakes.sender import request
from tests.fakes.upstream import Upstream, hang_up
from tests.flow.running import Running


async def test_it_is_a_whole_problem(plain: Running) -> None:
    """Every member, and every field."""
    answer = await plain.ask(request(b"GET /nowhere", b"X-Request-ID: mine"))
    assert answer.start == b"HTTP/1.1 404 Not Found"
    assert dict(answer.fields) == {
        b"Date": formatdate(plain.clock.wall(), usegmt=True).encode(),
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


async def test_only_the_log_names_the_nearest_route(plain: Running) -> None:
    """A sender does not learn which routes there are."""
    answer = await plain.ask(request(b"GET /order/1"))
    detail = "No route has this host and path; see `routes` in the configuration."
    assert answer.problem["detail"] == detail
    assert b"orders" not in answer.body + b"".join(value for _, value in answer.fields)
    assert (await plain.record())["detail"] == f"{detail} The nearest route is orders, with path /orders."


async def test_the_senders_connection_goes_on_where_its_request_was_whole(plain: Running, upstream: Upstream) -> None:
    """One mistake is no reason to end it."""
    upstream.follow(hang_up)
    sender = await plain.sender()
    codes = [(await sender.ask(request(b"POST " + path, body=b"x"))).code for path in (b"/orders", b"/x", b"/orders")]
    assert codes == ["upstream_closed", "route_unknown", "upstream_closed"]
