"""What follows a route's prefix reaches the upstream as the sender wrote it."""

import pytest

from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import request
from tests.fakes.upstream import Upstream
from tests.flow.running import Serve, document

PI_QUERY = b"?type=entry&version=3.0&Sender.Service=GIMS&Interface=http%3A%2F%2Fx.com%2Fa%5EGSD03_out&QoS=ExactlyOnce"


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        b"/",
        b"//c",
        b"/a%2Fb//c/%5e?x=%7E",
        b"/a;b=c/d,e",
        b"?",
        b"?a=1&a=2&&b",
        b"?q=a+b%20c",
        b"/sub/../still-inside",
        b"/%E4%F6",
        b'/|pipe|{curly}"quote"<>^`',
        PI_QUERY,
    ],
)
async def test_the_rest_is_appended_to_the_upstream(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, rest: bytes
) -> None:
    """Neither decoded nor encoded nor normalized."""
    proxy = await serve(document(upstream, authority))
    answer = await (await proxy.sender()).ask(request(b"GET /orders" + rest))
    assert answer.status == 200
    assert upstream.requests[0].target == b"/http/orders" + rest


@pytest.mark.parametrize("authority_part", [b"127.0.0.1", b"127.0.0.1:8080", b"user:secret@localhost:1"])
async def test_an_absolute_target_is_taken_apart(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, authority_part: bytes
) -> None:
    """A sender that takes us for an HTTP proxy names the host in its request line (RFC 9112 §3.2.2)."""
    proxy = await serve(document(upstream, authority))
    answer = await (await proxy.sender()).ask(request(b"GET http://%b/orders/a%%2Fb?c=%%5e" % authority_part))
    received = upstream.requests[0]
    assert answer.status == 200
    assert received.target == b"/http/orders/a%2Fb?c=%5e"
    assert received.field(b"Host") == [b"127.0.0.1:%d" % upstream.port]


async def test_a_route_at_the_root_takes_all(serve: Serve, upstream: Upstream, authority: AuthorizationServer) -> None:
    """Its upstream's path stands for nothing."""
    proxy = await serve(document(upstream, authority, path="/"))
    for target in (b"/", b"/http/orders?a=b"):
        await (await proxy.sender()).ask(request(b"GET " + target))
    assert [received.target for received in upstream.requests] == [b"/http/orders/", b"/http/orders/http/orders?a=b"]


async def test_a_trailing_slash_in_the_configuration_is_not_counted(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """Of path and upstream alike."""
    settings = document(upstream, authority, path="/orders/")
    settings["routes"][0]["upstream"] += "/"
    proxy = await serve(settings)
    for target in (b"/orders", b"/orders/", b"/orders/a"):
        await (await proxy.sender()).ask(request(b"GET " + target))
    assert [received.target for received in upstream.requests] == [
        b"/http/orders",
        b"/http/orders/",
        b"/http/orders/a",
    ]
