"""Which route a request selects."""

import posixpath
import re
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.inbound_auth import ApiKey, InboundAuth
from proxy.errors import MethodNotAllowed, RouteUnknown, TargetOutsideRoute
from proxy.forwarding.path_readings import climbs
from proxy.forwarding.routes import Route, Routes, prefixes
from proxy.forwarding.target import parse_target
from tests.cases import cases
from tests.fakes.spellings import STAYING, flat, spelled
from tests.unit.forwarding.world import route

PATHS = st.lists(st.sampled_from([b"/", b"a", b"b", b"ab", b"%2F", b"?"]), max_size=8).map(
    lambda parts: b"/" + b"".join(parts)
)


def named(name: str, path: str, **options: Any) -> Route:
    """Makes a route."""
    return route(name=name, path=path, **options)


def found(routes: list[Route], target: bytes, method: str = "GET", host: bytes = b"h") -> str:
    """Returns the name of the route."""
    return Routes(routes).match(method, parse_target(target), host).settings.name


TABLE = [named("root", "/"), named("a", "/a"), named("deep", "/a/b/c"), named("escaped", "/a%2Fb")]


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (b"/", "root"),
        (b"/a", "a"),
        (b"/a?x=/a/b/c", "a"),
        (b"/a/", "a"),
        (b"/ab", "root"),
        (b"/a/b", "a"),
        (b"/a/b/c", "deep"),
        (b"/a/b/cd", "a"),
        (b"/a/b/c/d/e/f/g/h/i", "deep"),
        (b"/a%2Fb", "escaped"),
        (b"/b%2fa", "root"),
        (b"/B", "root"),
        (b"//b/a", "root"),
        (b"/a//c/b", "a"),
        (b"http://h/a/b/c", "deep"),
    ],
)
def test_the_longest_prefix_on_a_segment_border_takes_it(target: bytes, name: str) -> None:
    """%2F does not end a segment."""
    assert found(TABLE, target) == name


@given(PATHS)
def test_a_match_is_a_prefix_on_a_border_and_no_longer_one_is(target: bytes) -> None:
    """A slow reference agrees."""
    path = target.split(b"?")[0]
    fitting = [each for each in TABLE if path == each.prefix or path.startswith(each.prefix + b"/")]
    with suppress(TargetOutsideRoute):
        assert found(TABLE, target) == max(fitting, key=lambda each: len(each.prefix)).settings.name


@given(PATHS)
def test_prefixes_go_from_the_path_to_the_root(path: bytes) -> None:
    """Each is shorter by one segment."""
    listed = list(prefixes(path))

    assert listed[0] == path
    assert listed[-1] == b""
    assert all(path.startswith(each) and path[len(each) : len(each) + 1] in (b"", b"/") for each in listed)
    assert len(listed) == path.count(b"/") + 1


def test_a_prefix_without_slash_ends_at_once() -> None:
    """No path is like this, but the loop ends."""
    assert list(prefixes(b"ab")) == [b"ab", b""]


def test_a_host_decides_before_a_route_for_any() -> None:
    """Case, port, a trailing dot and order do not matter."""
    routes = [named("any", "/a"), named("mine", "/a", host="mine.example")]

    assert found(routes, b"/a", host=b"MINE.example:8080") == "mine"
    assert found(routes, b"/a", host=b"mine.example.") == "mine"
    assert found(routes, b"/a", host=b"mine.example.:8080") == "mine"
    assert found(routes, b"/a", host=b"other.example") == "any"
    assert found(routes, b"http://mine.example/a", host=b"other.example") == "mine"


def test_a_route_of_another_host_is_none() -> None:
    """The path alone does not select it."""
    with pytest.raises(RouteUnknown):
        found([named("mine", "/a", host="mine.example")], b"/a")


def test_methods_choose_between_routes_with_one_path() -> None:
    """The refusal lists the methods of both."""
    routes = [named("get", "/a", methods=frozenset({"GET"})), named("post", "/a", methods=frozenset({"POST", "PUT"}))]

    assert (found(routes, b"/a"), found(routes, b"/a", "PUT")) == ("get", "post")
    with pytest.raises(MethodNotAllowed) as raised:
        found(routes, b"/a", "DELETE")
    assert raised.value.fields() == [("Allow", "GET, POST, PUT")]


def test_a_shorter_prefix_takes_what_the_methods_of_a_longer_one_leave() -> None:
    """A request is refused if no route takes it."""
    assert found([named("root", "/"), named("a", "/a", methods=frozenset({"POST"}))], b"/a") == "root"


@cases("target", b"/b", b"/", b"/ab")
def test_what_no_route_takes_is_unknown(target: bytes) -> None:
    """The status is 404."""
    with pytest.raises(RouteUnknown):
        found([named("a", "/a")], target)


def test_a_fragment_is_no_part_of_a_target() -> None:
    """A server might remove it (RFC 9112 §3.2)."""
    with pytest.raises(RouteUnknown, match="fragment"):
        found(TABLE, b"/a#b")


OUTER = named("outer", "/")
FENCED = named("fenced", "/orders")


@cases("path", *flat(spelled("/orders")))
@cases("below", b"", b"/1", b"?x=1")
def test_no_spelling_of_an_inner_route_is_the_outer_ones(path: bytes, below: bytes) -> None:
    """The upstream might read it as the inner route's."""
    with pytest.raises(TargetOutsideRoute, match=r"another route|leads out"):
        found([OUTER, FENCED], path + below)


DEEP = [named("outer", "/http"), named("fenced", "/http/Orders/Urgent"), named("other", "/HTTP/urgent")]


@pytest.mark.parametrize("path", flat(spelled("/orders/urgent")) + flat(spelled("/urgent")))
def test_prefixes_may_have_several_segments(path: bytes) -> None:
    """The added segments count."""
    with pytest.raises(TargetOutsideRoute):
        found(DEEP, b"/http" + path)


@cases("path", *[path for path in flat(spelled("/orders")) if not climbs(path)])
def test_the_beginning_of_an_inner_prefix_is_the_outer_ones(path: bytes) -> None:
    """This holds for each spelling."""
    assert found(DEEP, b"/http" + path) == "outer"


@cases("rest", *[each for each in STAYING if not each.startswith(b"?")])
def test_what_is_no_spelling_of_an_inner_route_is_the_outer_ones(rest: bytes) -> None:
    """Dots and escapes alone are not refused."""
    assert found([OUTER, FENCED], rest or b"/") == "outer"


@cases("target", *b"/order /orders1 /x/orders /x?/../orders /x;v=1/orders /or%20ders /orders.xml /x/../y".split())
def test_a_path_that_only_resembles_an_inner_routes_is_the_outer_ones(target: bytes) -> None:
    """Each server reads another path."""
    assert found([OUTER, FENCED], target) == "outer"


@given(
    st.lists(
        st.sampled_from([b"/", b"\\", b"%2f", b"..", b";", b"A", b"b", b"%61", b"%2562", b"x", b"%00"]), max_size=9
    )
)
def test_what_a_server_reads_as_an_inner_routes_never_goes_the_outer_ones_way(pieces: list[bytes]) -> None:
    """A server may decode up to twice."""
    target = b"/" + b"".join(pieces)
    for decodings, pattern in product(range(3), (rb";[^/]*", rb"(?!)")):
        path = target
        for _ in range(decodings):
            path = unquote_to_bytes(path)
        for seen in (path, path.replace(b"\\", b"/")):
            normal = posixpath.normpath(re.sub(pattern, b"", seen)).replace(b"//", b"/").lower()
            if (normal + b"/").startswith(b"/a/b/") and not (target + b"/").startswith(b"/a/b/"):
                with pytest.raises(TargetOutsideRoute):
                    found([OUTER, named("inner", "/a/b")], target)


def test_routes_that_differ_in_case_are_both_served() -> None:
    """Each one has exactly its own spelling."""
    routes = [OUTER, named("upper", "/A"), named("lower", "/a"), named("below", "/a/b")]
    assert (found(routes, b"/A/x"), found(routes, b"/a/x"), found(routes, b"/a/b/x")) == ("upper", "lower", "below")
    with pytest.raises(TargetOutsideRoute):
        found(routes, b"/A/b")


def test_an_inner_route_of_another_host_or_method_is_not_in_the_way() -> None:
    """It would not take the request."""
    routes = [OUTER, named("fenced", "/orders", host="mine.example", methods=frozenset({"POST"}))]
    assert found(routes, b"/ORDERS", method="GET", host=b"mine.example") == "outer"
    assert found(routes, b"/ORDERS", method="POST", host=b"other.example") == "outer"
    for host in (b"mine.example", b"MINE.example.:80"):
        with pytest.raises(TargetOutsideRoute):
            found(routes, b"/ORDERS", method="POST", host=host)


POSTS = frozenset({"POST"})


@cases("path", b"/orders", b"/orders/1", b"/ORDERS", b"/orders?x")
@cases("method", "post", "Post")
def test_a_method_in_another_case_does_not_go_round_a_route(path: bytes, method: str) -> None:
    """The upstream might ignore the case."""
    routes = [OUTER, named("posts", "/orders", methods=POSTS)]
    with pytest.raises(TargetOutsideRoute):
        found(routes, path, method)
    assert found(routes, path, "put") == "outer"


def test_a_method_in_another_case_does_not_go_round_a_route_with_the_same_path() -> None:
    """A route of another host does not matter."""
    routes = [named("any", "/orders"), named("posts", "/orders", host="mine.example", methods=POSTS)]
    with pytest.raises(TargetOutsideRoute):
        found(routes, b"/orders", "post", b"mine.example.")
    assert found(routes, b"/orders", "post", b"other.example") == "any"
    assert found(routes, b"/orders", "GET", b"mine.example") == "any"


def test_a_method_in_another_case_that_no_route_takes_is_refused_as_such() -> None:
    """The status is 405."""
    with pytest.raises(MethodNotAllowed):
        found([named("posts", "/orders", methods=POSTS)], b"/orders", "post")


def test_the_log_never_shows_values_of_variables_and_keys_of_senders() -> None:
    """A plain value of `set_fields` is shown."""
    auth = InboundAuth(api_key=ApiKey(field="X-Who", keys_file=Path("keys")))
    fields = {"X-Tenant": "s", "X-Who": "k", "X-Plain": "p"}
    made = route(set_fields=fields, secret_set_fields={"X-Tenant"}, inbound_auth=auth)
    assert made.secret_fields == {"x-tenant", "x-who"}
    assert route(set_fields={"X-Plain": "p"}).secret_fields == frozenset()
