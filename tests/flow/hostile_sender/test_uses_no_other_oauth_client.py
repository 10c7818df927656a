"""No spelling of a target brings a request of one route under the token of another, or out of its upstream's path."""

import pytest

from tests.fakes.sender import request
from tests.flow.hostile_sender.fence import Fence

OUTSIDE = (400, "target_outside_route")
UNKNOWN = (404, "route_unknown")


@pytest.mark.parametrize(
    "rest", [b"/..", b"/../invoices", b"/a/../../invoices", b"/./../invoices", b"//../../invoices"]
)
async def test_dots_climb_nowhere(fence: Fence, rest: bytes) -> None:
    """Plainly written."""
    assert await fence.refusal(request(b"POST /orders" + rest, body=b"x")) == OUTSIDE


@pytest.mark.parametrize(
    "rest", [b"/%2e%2e/invoices", b"/.%2E/invoices", b"/%2E./invoices", b"/a/%2e%2e/%2e%2e/invoices"]
)
async def test_encoded_dots_climb_nowhere(fence: Fence, rest: bytes) -> None:
    """As every server decodes them."""
    assert await fence.refusal(request(b"POST /orders" + rest, body=b"x")) == OUTSIDE


@pytest.mark.parametrize("rest", [b"/%252e%252e/invoices", b"/.%252e/invoices", b"/%25%32%65./invoices"])
async def test_dots_encoded_twice_climb_nowhere(fence: Fence, rest: bytes) -> None:
    """As a server decodes them that has another server behind it."""
    assert await fence.refusal(request(b"POST /orders" + rest, body=b"x")) == OUTSIDE


@pytest.mark.parametrize(
    "rest", [b"/..%2finvoices", b"/..%2Finvoices", b"/a%2f..%2f..%2finvoices", b"/..%252finvoices"]
)
async def test_encoded_slashes_climb_nowhere(fence: Fence, rest: bytes) -> None:
    """Once and twice."""
    assert await fence.refusal(request(b"POST /orders" + rest, body=b"x")) == OUTSIDE


@pytest.mark.parametrize("rest", [b"/..\\invoices", b"/..%5cinvoices", b"/..%255cinvoices", b"/a\\..\\..\\invoices"])
async def test_backslashes_climb_nowhere(fence: Fence, rest: bytes) -> None:
    """Some servers take them for slashes."""
    assert await fence.refusal(request(b"POST /orders" + rest, body=b"x")) == OUTSIDE


@pytest.mark.parametrize("rest", [b"/..;/invoices", b"/..;x=1/invoices", b"/%2e%2e;/invoices", b"/..%3b/invoices"])
async def test_parameters_of_segments_hide_no_dots(fence: Fence, rest: bytes) -> None:
    """Tomcat cuts off what stands behind a semicolon."""
    assert await fence.refusal(request(b"POST /orders" + rest, body=b"x")) == OUTSIDE


@pytest.mark.parametrize("rest", [b"/..%00/invoices", b"/..%20/invoices", b"/..%3f/../invoices", b"/..%23/invoices"])
async def test_what_ends_a_string_elsewhere_hides_no_dots(fence: Fence, rest: bytes) -> None:
    """NUL, a space, an encoded query or fragment."""
    assert await fence.refusal(request(b"POST /orders" + rest, body=b"x")) == OUTSIDE


@pytest.mark.parametrize("rest", [b"/%c0%ae%c0%ae/invoices", b"/..%c0%afinvoices", b"/%C0%AE./invoices"])
async def test_overlong_utf_8_hides_no_dots(fence: Fence, rest: bytes) -> None:
    """Old servers took these for dots and slashes."""
    assert await fence.refusal(request(b"POST /orders" + rest, body=b"x")) == OUTSIDE


async def test_a_way_out_and_back_in_is_a_way_out(fence: Fence) -> None:
    """A server may look at the path half way."""
    assert await fence.refusal(request(b"POST /orders/../orders/1", body=b"x")) == OUTSIDE


async def test_dots_in_an_absolute_target_climb_nowhere(fence: Fence) -> None:
    """It is taken apart first."""
    assert await fence.refusal(request(b"POST http://127.0.0.1/orders/../invoices", body=b"x")) == OUTSIDE


async def test_dots_within_the_route_stay_as_they_are(fence: Fence) -> None:
    """Nothing is rebuilt, and the token is that of the route."""
    assert (await fence.delivery(request(b"POST /orders/a/../%2e/b", body=b"x"))).target == b"/http/orders/a/../%2e/b"


@pytest.mark.parametrize("path", [b"/Invoices", b"/INVOICES", b"/invoice%73", b"/%69nvoices", b"/invoices%2f", b"/inv"])
async def test_another_spelling_of_a_path_is_another_path(fence: Fence, path: bytes) -> None:
    """Prefixes are compared as octets."""
    assert await fence.refusal(request(b"POST " + path, body=b"x")) == UNKNOWN


@pytest.mark.parametrize("path", [b"/orders%2F..%2Finvoices", b"/orders;/../invoices", b"/orders\\..\\invoices"])
async def test_what_is_no_border_begins_no_route(fence: Fence, path: bytes) -> None:
    """Where a prefix ends there is a slash, a question mark, or nothing."""
    assert await fence.refusal(request(b"POST " + path, body=b"x")) == UNKNOWN


async def test_a_query_chooses_no_route(fence: Fence) -> None:
    """Whatever paths stand in it."""
    received = await fence.delivery(request(b"POST /orders?next=/../invoices/../..", body=b"x"))
    assert received.target == b"/http/orders?next=/../invoices/../.."


async def test_a_fragment_chooses_no_route(fence: Fence) -> None:
    """A request target has none."""
    assert await fence.refusal(request(b"POST /orders#/../invoices", body=b"x")) == UNKNOWN


@pytest.mark.parametrize("name", [b"X-OAuth-Client", b"X-Client-Id", b"Client_Id", b"OAuth-Client"])
async def test_no_field_chooses_the_oauth_client(fence: Fence, name: bytes) -> None:
    """The route does."""
    await fence.delivery(request(b"POST /orders", name + b": invoices", body=b"x"))
    assert fence.authorities[b"invoices"].requests == []


async def test_no_query_of_a_sender_reaches_the_token_endpoint(fence: Fence) -> None:
    """What is asked there is the same for every message."""
    await fence.delivery(request(b"POST /orders?client_id=invoices&scope=all&grant_type=password", body=b"scope=all"))
    (asked,) = fence.authorities[b"orders"].requests
    assert asked.form == {"grant_type": "client_credentials", "client_id": "orders", "client_secret": "orders-secret"}
    assert asked.target == "/oauth/token"


async def test_two_routes_over_one_connection_have_their_own_tokens(fence: Fence) -> None:
    """Also in one piece, and over one connection to the upstream."""
    sender = await fence.proxy.sender()
    await sender.send((request(b"POST /orders", body=b"x") + request(b"POST /invoices", body=b"x")) * 5)
    assert [(await sender.answer()).status for _ in range(10)] == [200] * 10
    assert fence.targets == [b"/http/orders", b"/http/invoices"] * 5  # whose token each has is looked at by the fence


async def test_a_route_for_listed_senders_is_not_reached_through_another(fence: Fence) -> None:
    """Nor by another spelling of its path."""
    for target in (b"/orders/../listed", b"/orders/..%2flisted"):
        assert await fence.refusal(request(b"POST " + target, body=b"x")) == OUTSIDE
    assert await fence.refusal(request(b"POST //listed", body=b"x")) == UNKNOWN
    assert await fence.refusal(request(b"POST /listed", body=b"x")) == (403, "sender_not_allowed")


async def test_a_route_that_wants_a_key_is_not_reached_through_another(fence: Fence) -> None:
    """The gate belongs to the route, however it is spelled."""
    assert await fence.refusal(request(b"POST /orders/../keyed", body=b"x")) == OUTSIDE
    for target in (b"/keyed", b"/keyed/", b"/keyed?", b"/keyed/..;a/keyed", b"http://127.0.0.1/keyed"):
        answered = await fence.ask(request(b"POST " + target, body=b"x"))
        assert answered.status in (400, 403)
    assert (fence.targets, fence.grants) == ([], 0)
