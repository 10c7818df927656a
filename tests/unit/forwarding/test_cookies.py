"""Renamed cookies."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.forwarding.cookies import CookieRules
from tests.cases import cases

NAME = st.from_regex(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,10}", fullmatch=True)
VALUE = st.from_regex(rb"[!#-+\--:<-\[\]-~]{0,20}", fullmatch=True)
ROUTE = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,6}", fullmatch=True)
ATTRIBUTES = st.sampled_from([b"", b"; Secure", b"; Path=/http; HttpOnly", b";Domain=.x.com; Max-Age=5; SameSite=Lax"])


def rules(route: str = "orders", *, path: bytes = b"/orders", upstream: bytes = b"/http/in") -> CookieRules:
    """Make a route's rules."""
    return CookieRules(prefix=f"cpi.{route}~".encode(), route_path=path, upstream_path=upstream)


@given(name=NAME, value=VALUE, attributes=ATTRIBUTES)
def test_a_cookie_goes_to_the_sender_and_back_byte_for_byte(name: bytes, value: bytes, attributes: bytes) -> None:
    """A tenant needs it unchanged (SAP note 2681175)."""
    sent = rules().to_sender(name + b"=" + value + attributes, secure=False)

    assert rules().to_upstream([sent.split(b";")[0]]) == name + b"=" + value


@given(cookies=st.lists(st.tuples(NAME, VALUE), max_size=5), routes=st.tuples(ROUTE, ROUTE))
def test_no_foreign_cookie_goes_through(cookies: list[tuple[bytes, bytes]], routes: tuple[str, str]) -> None:
    """It may be the sender's own or another route's."""
    ours, other = map(rules, routes)
    own = b"; ".join(name + b"=" + value for name, value in cookies)
    foreign = b"; ".join(other.to_sender(name + b"=" + value, secure=False) for name, value in cookies)

    if not any(name.startswith(ours.prefix) for name, _ in cookies):
        assert ours.to_upstream([own]) == b""
    if routes[0] != routes[1]:
        assert ours.to_upstream([foreign]) == b""


def test_only_ours_are_taken_from_all_cookie_fields() -> None:
    """Their prefix is removed."""
    values = [b"MYSAPSSO2=x; cpi.orders~a=1;cpi.orders~b=", b"cpi.other~c=3;\tcpi.orders~d=4 ;", b""]

    assert rules().to_upstream(values) == b"a=1; b=; d=4"


@cases("name", b"MYSAPSSO2", b"mysapsso2", b" MYSAPSSO2\t", b'"MYSAPSSO2"')
def test_a_logon_ticket_is_not_taken_from_behind_the_prefix(name: bytes) -> None:
    """A longer name is."""
    values = [b"cpi.orders~" + name + b"=x; cpi.orders~MYSAPSSO2x=1", b"cpi.orders~MYSAPSSO2"]
    assert rules().to_upstream(values) == b"MYSAPSSO2x=1"


@cases(
    "pair",
    b"a=1,MYSAPSSO2=x",
    b"a=1 MYSAPSSO2=x",
    b'a="1"MYSAPSSO2=x',
    b'a="1",MYSAPSSO2=x',
    b"a,MYSAPSSO2=x",
    b'"MYSAPSSO2=x',
    b"a=1,JSESSIONID=x",
    b"a=b=c,d=e",
)
def test_a_pair_that_some_server_reads_as_two_does_not_go_on(pair: bytes) -> None:
    """It could be the sender's own."""
    assert rules().to_upstream([b"cpi.orders~b=2; cpi.orders~" + pair + b"; cpi.orders~c=3"]) == b"b=2; c=3"


@cases("pair", b'a="b c"', b'a="k=v"', b"a=b,c", b"a=b c", b"a=b==", b"a=sap-client=100", b"a=,", b'a="')
def test_a_pair_that_every_server_reads_as_one_goes_on(pair: bytes) -> None:
    """RFC 6265 §4.1.1 may forbid the value."""
    assert rules().to_upstream([b"cpi.orders~" + pair]) == pair


def test_very_many_separators_are_looked_at_once() -> None:
    """It takes linear time."""
    pair = b"a=" + b", " * 30000 + b"a" * 30000 + b" " * 30000
    assert rules().to_upstream([b"cpi.orders~" + pair]) == pair.strip()


@cases(
    "value, sent",
    {
        "a name gets the prefix": (b"a=b", b"cpi.orders~a=b"),
        "white space around the pair does not count": (b" a=b ", b"cpi.orders~a=b"),
        "quotes stay": (b'a="b c"', b'cpi.orders~a="b c"'),
        "a value is not decoded": (b"a=b=c%2B+!", b"cpi.orders~a=b=c%2B+!"),
        "a pair without equals sign": (b"a", b"cpi.orders~a"),
        "Domain goes": (b"a=b; Domain=.hana.ondemand.com; HttpOnly", b"cpi.orders~a=b; HttpOnly"),
        "attributes have no case": (b"a=b; domain =x", b"cpi.orders~a=b"),
        "Secure goes on a plain listener": (b"a=b; Secure", b"cpi.orders~a=b"),
        "all others stay as they are": (b"a=b;Max-Age=0; Foo", b"cpi.orders~a=b;Max-Age=0; Foo"),
        "Path is mapped to the route": (b"a=b; Path=/http/in/x", b"cpi.orders~a=b; Path=/orders/x"),
        "a path above is the whole route": (b"a=b; PATH = /", b"cpi.orders~a=b; Path=/orders"),
    },
)
def test_a_set_cookie_is_made_the_routes_own(value: bytes, sent: bytes) -> None:
    """The sender returns it to this route only."""
    assert rules().to_sender(value, secure=False) == sent


def test_secure_stays_where_the_listener_speaks_tls() -> None:
    """RFC 6265 §5.2.5 defines it."""
    assert rules().to_sender(b"a=b; Secure", secure=True) == b"cpi.orders~a=b; Secure"


@cases(
    "route, upstream, path, mapped",
    {
        "the upstream's own path": (b"/orders", b"/http/in", b"/http/in", b"/orders"),
        "with a slash": (b"/orders", b"/http/in", b"/http/in/", b"/orders"),
        "below it": (b"/orders", b"/http/in", b"/http/in/a/", b"/orders/a/"),
        "beside it": (b"/orders", b"/http/in", b"/http/inner", b"/orders"),
        "above it": (b"/orders", b"/http/in", b"/http", b"/orders"),
        "none": (b"/orders", b"/http/in", b"", b"/orders"),
        "the root stands for it": (b"/", b"/http/in", b"/http/in/a", b"/a"),
        "root to root": (b"/", b"/", b"/a", b"/a"),
        "root to root, itself": (b"/", b"/", b"/", b"/"),
        "the upstream is a root": (b"/orders", b"/", b"/a", b"/orders/a"),
    },
)
def test_a_path_lies_on_our_side_where_it_lies_at_the_upstream(
    route: bytes, upstream: bytes, path: bytes, mapped: bytes
) -> None:
    """Elsewhere, it becomes the whole route."""
    sent = rules(path=route, upstream=upstream).to_sender(b"a=b; Path=" + path, secure=False)

    assert sent == b"cpi.orders~a=b; Path=" + mapped
