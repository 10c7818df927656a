"""Of a sender's cookies only those go on that the upstream gave it through the same route."""

from tests.cases import cases
from tests.fakes.sender import request
from tests.flow.hostile_sender.fence import HIDDEN, Fence

OURS = b"cpi.orders~"


async def sent_on(fence: Fence, *values: bytes) -> list[bytes]:
    """The Cookie fields at the upstream."""
    fields = (b"Cookie: " + value for value in values)
    return (await fence.delivery(request(b"POST /orders", *fields, body=b"x"))).field(b"Cookie")


@cases(
    "values",
    {
        "the sender's own": [b"JSESSIONID=%b", b"MYSAPSSO2=%b", b"__VCAP_ID__=%b", b"=%b", b"%b"],
        "another route's": [b"cpi.invoices~S=%b", b"cpi.order~S=%b", b"cpi.S=%b", b"cpi.orders=~%b"],
        "another spelling of the prefix (RFC 6265 §5.4)": [
            b"CPI.ORDERS~S=%b",
            b'"cpi.orders~S"=%b',
            b"x cpi.orders~S=%b",
            b"%%63pi.orders~S=%b",
        ],
        "an older grammar (RFC 2965)": [
            b"$Version=1; MYSAPSSO2=%b; $Path=/",
            b'$Version="1"; a="x; %b"',
            b"a=b, MYSAPSSO2=%b",
        ],
    },
)
async def test_no_other_cookie_reaches_the_upstream(fence: Fence, values: list[bytes]) -> None:
    """Only cookies with the route's prefix are forwarded."""
    assert await sent_on(fence, *(value % HIDDEN for value in values)) == []


@cases("name", b"MYSAPSSO2", b"mysapsso2", b" MYSAPSSO2", b"MYSAPSSO2 ", b'"MYSAPSSO2"')
async def test_a_logon_ticket_under_our_prefix_does_not_go_on(fence: Fence, name: bytes) -> None:
    """A sender that knows the prefix could have added it."""
    assert await sent_on(fence, OURS + name + b"=" + HIDDEN + b"; " + OURS + b"S=1") == [b"S=1"]


@cases("between", b",", b", ", b" ", b"\t", b'"', b'",', b" , ")
@cases("name", b"MYSAPSSO2", b"JSESSIONID")
async def test_a_cookie_of_ours_brings_no_other_along(fence: Fence, between: bytes, name: bytes) -> None:
    """Servers differ in what separates cookies."""
    value = OURS + b'S="1' + between + name + b"=" + HIDDEN + b"; " + OURS + b"T=2"
    assert await sent_on(fence, value) == [b"T=2"]


async def test_a_cookie_that_one_route_gave_is_none_for_another(fence: Fence) -> None:
    """Its own route gets it back."""
    fence.script(b"Set-Cookie: S=1; Path=/; Domain=evil.example")
    given = (await fence.ask(request(b"GET /orders"))).field(b"Set-Cookie")
    assert given == [b"cpi.orders~S=1; Path=/orders"]
    cookie = b"Cookie: " + given[0].partition(b";")[0]
    for start in (b"GET /invoices", b"GET /orders"):
        await fence.ask(request(start, cookie))
    assert [each.field(b"Cookie") for each in fence.upstream.requests] == [[], [], [b"S=1"]]
