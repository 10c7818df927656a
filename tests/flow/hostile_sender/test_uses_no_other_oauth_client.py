"""No spelling of a target brings a request of one route under the token of another, or out of its upstream's path."""

from tests.cases import cases
from tests.fakes.sender import request
from tests.fakes.spellings import CLIMBING
from tests.flow.hostile_sender.fence import Fence
from tests.flow.running import POST

OUTSIDE = (400, "target_outside_route")
UNKNOWN = (404, "route_unknown")


@cases("trick", *CLIMBING)
async def test_no_trick_climbs_out_of_a_route(fence: Fence, trick: str) -> None:
    """Unit tests of the readings try all spellings."""
    rest = CLIMBING[trick][0]
    for target in (b"/orders" + rest, b"/orders" + rest + b"/invoices", b"http://127.0.0.1/orders" + rest):
        assert await fence.refusal(request(b"POST " + target, body=b"x")) == OUTSIDE


@cases(
    "path",
    *(b"/Invoices", b"/INVOICES", b"/invoice%73", b"/%69nvoices", b"/invoices%2f", b"/inv", b"/orders#/../invoices"),
    *(b"/orders%2F..%2Finvoices", b"/orders;/../invoices", b"/orders\\..\\invoices"),
)
async def test_another_spelling_of_a_path_is_another_path(fence: Fence, path: bytes) -> None:
    """Prefixes are compared as bytes."""
    assert await fence.refusal(request(b"POST " + path, body=b"x")) == UNKNOWN


@cases("name", b"X-OAuth-Client", b"X-Client-Id", b"Client_Id", b"OAuth-Client")
async def test_no_field_chooses_the_oauth_client(fence: Fence, name: bytes) -> None:
    """The route chooses it."""
    await fence.delivery(request(b"POST /orders", name + b": invoices", body=b"x"))
    assert fence.authorities[b"invoices"].requests == []


async def test_no_query_of_a_sender_reaches_the_token_endpoint(fence: Fence) -> None:
    """Each token request is the same."""
    await fence.delivery(request(b"POST /orders?client_id=invoices&scope=all&grant_type=password", body=b"scope=all"))
    (asked,) = fence.authorities[b"orders"].requests
    assert asked.form == {"grant_type": "client_credentials", "client_id": "orders", "client_secret": "orders-secret"}
    assert asked.target == "/oauth/token"


async def test_two_routes_over_one_connection_have_their_own_tokens(fence: Fence) -> None:
    """They share an upstream connection."""
    sender = await fence.proxy.begin((POST + request(b"POST /invoices", body=b"x")) * 5)
    assert [(await sender.answer()).status for _ in range(10)] == [200] * 10
    assert fence.targets == [b"/http/orders", b"/http/invoices"] * 5  # whose token each has is looked at by the fence


async def test_a_route_for_listed_senders_is_not_reached_through_another(fence: Fence) -> None:
    """Its path is refused in each spelling."""
    for target in (b"/orders/../listed", b"/orders/..%2flisted"):
        assert await fence.refusal(request(b"POST " + target, body=b"x")) == OUTSIDE
    assert await fence.refusal(request(b"POST //listed", body=b"x")) == UNKNOWN
    assert await fence.refusal(request(b"POST /listed", body=b"x")) == (403, "sender_not_allowed")


async def test_a_route_that_wants_a_key_is_not_reached_through_another(fence: Fence) -> None:
    """Its authenticator is asked in each spelling."""
    assert await fence.refusal(request(b"POST /orders/../keyed", body=b"x")) == OUTSIDE
    for target in (b"/keyed", b"/keyed/", b"/keyed?", b"/keyed/..;a/keyed", b"http://127.0.0.1/keyed"):
        answered = await fence.ask(request(b"POST " + target, body=b"x"))
        assert answered.status in (400, 403)
    assert (fence.targets, fence.grants) == ([], 0)
