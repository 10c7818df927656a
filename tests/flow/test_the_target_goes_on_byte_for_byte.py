"""What follows a route's prefix reaches the upstream as the sender wrote it."""

from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import request
from tests.fakes.upstream import Upstream
from tests.flow.running import Running, Serve, document

PI_QUERY = b"?type=entry&version=3.0&Sender.Service=GIMS&Interface=http%3A%2F%2Fx.com%2Fa%5EGSD03_out&QoS=ExactlyOnce"


@cases("rest", b"/a%2Fb//c/%5e?x=%7E", b"?a=1&a=2&&b", b"/sub/../still-inside", b'/|pipe|{curly}"quote"<>^`', PI_QUERY)
async def test_the_rest_is_appended_to_the_upstream(plain: Running, upstream: Upstream, rest: bytes) -> None:
    """Neither decoded nor encoded nor normalized."""
    answer = await plain.ask(request(b"GET /orders" + rest))
    assert answer.status == 200
    assert upstream.requests[0].target == b"/http/orders" + rest


async def test_a_trailing_slash_in_the_configuration_is_not_counted(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """Of path and upstream alike."""
    settings = document(upstream, authority, path="/orders/")
    settings["routes"][0]["upstream"] += "/"
    proxy = await serve(settings)
    for target in (b"/orders", b"/orders/", b"/orders/a"):
        await proxy.ask(request(b"GET " + target))
    assert [received.target for received in upstream.requests] == [b"/http/orders", b"/http/orders/", b"/http/orders/a"]
