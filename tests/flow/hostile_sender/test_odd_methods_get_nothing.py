"""CONNECT, TRACE and other methods: no tunnel, no echo of the token, no body that is read as a request."""

from prometheus_client.parser import text_string_to_metric_families

from tests.cases import cases
from tests.fakes.sender import request
from tests.flow.hostile_sender.fence import PLANTED, Fence


@cases("start", b"CONNECT evil.example:443", b"CONNECT /orders", b"connect /orders", b"Connect /orders")
async def test_connect_makes_no_tunnel(fence: Fence, start: bytes) -> None:
    """The upstream may ignore the case."""
    assert await fence.refusal(request(start)) == (501, "connect_refused")


@cases("start", b"TRACE /orders", b"trace /orders", b"TRACK /orders", b"OPTIONS *")
async def test_trace_shows_no_token_and_nothing_is_asked_of_the_server_as_a_whole(fence: Fence, start: bytes) -> None:
    """TRACK is TRACE; `*` belongs to no route."""
    assert await fence.refusal(request(start)) == (405, "method_not_allowed")


async def test_behind_connect_nothing_is_relayed(fence: Fence) -> None:
    """What follows is read as the next request."""
    sender = await fence.proxy.begin(request(b"CONNECT evil.example:443") + PLANTED)
    assert [(await sender.answer()).status for _ in range(2)] == [501, 200]
    assert fence.targets == [b"/http/orders/planted"]


@cases("method", b"PROPFIND", b"M-SEARCH", b"x", b"post", b"GET1")
async def test_a_method_that_nobody_knows_goes_its_routes_way(fence: Fence, method: bytes) -> None:
    """It is forwarded with its body."""
    received = await fence.delivery(request(method + b" /orders/1", b"Destination: http://evil.example/", body=b"x"))
    assert (received.method, received.target, bytes(received.body)) == (method, b"/http/orders/1", b"x")


@cases("method", b"", b"G@T", b"GET\t", b"G ET", b"(GET)", b"GET\x00", b"\xc7ET")
async def test_what_is_no_method_is_malformed(fence: Fence, method: bytes) -> None:
    """A method is a token (RFC 9110 §9.1)."""
    answered = await fence.ask(request(method + b" /orders"))
    assert (answered.status, answered.code, fence.targets) == (400, "request_malformed", [])


async def test_an_endless_method_fills_neither_log_nor_metrics(fence: Fence) -> None:
    """The log has its beginning, and the metrics have `other`."""
    received = await fence.delivery(request(b"A" * 3000 + b" /orders"))
    assert received.method == b"A" * 3000
    assert (await fence.proxy.record())["method"] == "A" * 32
    families = text_string_to_metric_families((await fence.proxy.ask_admin("/metrics"))[1])
    assert {each.labels["method"] for family in families for each in family.samples if "method" in each.labels} == {
        "other"
    }


async def test_a_head_has_no_body_in_its_answer(fence: Fence) -> None:
    """The next answer follows the head."""
    sender = await fence.proxy.begin(request(b"HEAD /nowhere") + request(b"HEAD /orders") + PLANTED)
    statuses = [(await sender.answer(method)).status for method in (b"HEAD", b"HEAD", b"GET")]
    assert statuses == [404, 200, 200]


@cases("name", b"X-HTTP-Method-Override", b"X-HTTP-Method", b"X-Method-Override")
async def test_no_field_is_read_as_the_method(fence: Fence, name: bytes) -> None:
    """The request line decides."""
    assert (await fence.delivery(request(b"POST /orders", name + b": TRACE", body=b"x"))).method == b"POST"
