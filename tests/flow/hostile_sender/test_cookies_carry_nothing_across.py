"""Of a sender's cookies only those go on that the upstream gave it through the same route."""

import pytest

from tests.fakes.sender import request
from tests.flow.hostile_sender.fence import HIDDEN, Fence

OURS = b"cpi.orders~"


async def sent_on(fence: Fence, *values: bytes) -> list[bytes]:
    """The Cookie fields at the upstream, of a message with these."""
    fields = (b"Cookie: " + value for value in values)
    return (await fence.delivery(request(b"POST /orders", *fields, body=b"x"))).field(b"Cookie")


@pytest.mark.parametrize("pair", [b"JSESSIONID=", b"MYSAPSSO2=", b"sap-usercontext=", b"__VCAP_ID__=", b"=", b""])
async def test_a_foreign_cookie_does_not_go_on(fence: Fence, pair: bytes) -> None:
    """Whatever it is called."""
    assert await sent_on(fence, pair + HIDDEN) == []


@pytest.mark.parametrize(
    "pair", [b"cpi.invoices~S=", b"cpi.order~S=", b"cpi.ordersS=", b"cpi.S=", b"~S=", b"cpi.orders=~"]
)
async def test_a_cookie_of_another_route_does_not_go_on(fence: Fence, pair: bytes) -> None:
    """The prefix has to be the route's, to its last sign."""
    assert await sent_on(fence, pair + HIDDEN) == []


@pytest.mark.parametrize(
    "pair", [b"CPI.ORDERS~S=", b'"cpi.orders~S"=', b"x cpi.orders~S=", b"x=cpi.orders~S=", b"%63pi.orders~S="]
)
async def test_another_spelling_of_the_prefix_is_another_name(fence: Fence, pair: bytes) -> None:
    """Names are octets (RFC 6265 §5.4)."""
    assert await sent_on(fence, pair + HIDDEN) == []


@pytest.mark.parametrize(
    "value", [b"$Version=1; MYSAPSSO2=%b; $Path=/", b'$Version="1"; a="x; %b"', b"a=b, MYSAPSSO2=%b"]
)
async def test_cookies_of_older_grammars_do_not_go_on(fence: Fence, value: bytes) -> None:
    """RFC 2965 had versions, quotes and commas."""
    assert await sent_on(fence, value % HIDDEN) == []


@pytest.mark.parametrize("name", [b"MYSAPSSO2", b"mysapsso2", b" MYSAPSSO2", b"MYSAPSSO2 ", b'"MYSAPSSO2"'])
async def test_a_logon_ticket_under_our_prefix_does_not_go_on(fence: Fence, name: bytes) -> None:
    """Whoever knows the prefix could have put it there."""
    assert await sent_on(fence, OURS + name + b"=" + HIDDEN + b"; " + OURS + b"S=1") == [b"S=1"]


@pytest.mark.parametrize("between", [b",", b", ", b" ", b"\t", b'"', b'",', b" , "])
@pytest.mark.parametrize("name", [b"MYSAPSSO2", b"JSESSIONID"])
async def test_a_cookie_of_ours_brings_no_other_along(fence: Fence, between: bytes, name: bytes) -> None:
    """Whatever a server takes for what separates them."""
    value = OURS + b'S="1' + between + name + b"=" + HIDDEN + b"; " + OURS + b"T=2"
    assert await sent_on(fence, value) == [b"T=2"]


async def test_what_goes_on_is_one_field_without_anything_between(fence: Fence) -> None:
    """However they were spread."""
    values = (b"a=%b; " % HIDDEN + OURS + b"S=1", b"b=%b" % HIDDEN, OURS + b"T=2;c=%b" % HIDDEN)
    assert await sent_on(fence, *values) == [b"S=1; T=2"]


async def test_very_many_cookies_are_sorted_out(fence: Fence) -> None:
    """As many as there is room for in a head."""
    many = b"; ".join(b"c%d=%b" % (number, HIDDEN) for number in range(150))
    assert await sent_on(fence, many + b"; " + OURS + b"S=1") == [b"S=1"]


async def test_a_huge_cookie_is_refused(fence: Fence) -> None:
    """Before anything is looked at."""
    octets = request(b"POST /orders", b"Cookie: " + OURS + b"S=" + HIDDEN * 500, body=b"x")
    assert await fence.end(octets) == (431, "head_too_large")


async def test_a_cookie_with_controls_is_malformed(fence: Fence) -> None:
    """It could end in somebody's log."""
    assert await fence.end(request(b"POST /orders", b"Cookie: " + OURS + b"S=\x01", body=b"x")) == (
        400,
        "request_malformed",
    )


async def test_cookie2_does_not_go_on(fence: Fence) -> None:
    """RFC 2965 is no more."""
    assert (await fence.delivery(request(b"POST /orders", b"Cookie2: $Version=" + HIDDEN, body=b"x"))).field(
        b"Cookie2"
    ) == []


async def test_a_cookie_that_one_route_gave_is_none_for_another(fence: Fence) -> None:
    """And is for its own."""
    fence.script(b"Set-Cookie: S=1; Path=/; Domain=evil.example")
    given = (await fence.ask(request(b"GET /orders"))).field(b"Set-Cookie")
    assert given == [b"cpi.orders~S=1; Path=/orders"]
    cookie = b"Cookie: " + given[0].partition(b";")[0]
    for start in (b"GET /invoices", b"GET /orders"):
        await fence.ask(request(start, cookie))
    assert [each.field(b"Cookie") for each in fence.upstream.requests] == [[], [], [b"S=1"]]
