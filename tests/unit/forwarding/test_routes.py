"""Which route takes a request."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import MethodNotAllowed, RouteUnknown, TargetOutsideRoute
from proxy.forwarding.routes import Route, Routes, prefixes
from proxy.forwarding.target import take_apart
from tests.unit.forwarding.world import route

PATHS = st.lists(st.sampled_from([b"/", b"a", b"b", b"ab", b"%2F", b"?"]), max_size=8).map(
    lambda parts: b"/" + b"".join(parts)
)


def named(name: str, path: str, **options: Any) -> Route:
    """A route."""
    return route(name=name, path=path, **options)


def found(routes: list[Route], target: bytes, method: str = "GET", host: bytes = b"h") -> str:
    """The name of the route that takes it."""
    return Routes(routes).match(method, take_apart(target), host).settings.name


TABLE = [
    named("root", "/"),
    named("a", "/a"),
    named("deep", "/a/b/c"),
    named("escaped", "/a%2Fb"),
]


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (b"/", "root"),
        (b"/?x", "root"),
        (b"/a", "a"),
        (b"/a?x=/a/b/c", "a"),
        (b"/a/", "a"),
        (b"/ab", "root"),
        (b"/a/b", "a"),
        (b"/a/b/c", "deep"),
        (b"/a/b/c/", "deep"),
        (b"/a/b/cd", "a"),
        (b"/a/b/c/d/e/f/g/h/i", "deep"),
        (b"/a%2Fb", "escaped"),
        (b"/a%2Fb/c", "escaped"),
        (b"/a%2fb", "root"),
        (b"/A", "root"),
        (b"//a", "root"),
        (b"/a//b/c", "a"),
        (b"http://h/a/b/c", "deep"),
        (b"http://h", "root"),
    ],
)
def test_the_longest_prefix_on_a_segment_border_takes_it(target: bytes, name: str) -> None:
    """Compared as octets: %2F is no border, and case counts."""
    assert found(TABLE, target) == name


@given(PATHS)
def test_a_match_is_a_prefix_on_a_border_and_no_longer_one_is(target: bytes) -> None:
    """Against a slow reference, for paths of any form."""
    path = target.split(b"?")[0]
    fitting = [each for each in TABLE if path == each.prefix or path.startswith(each.prefix + b"/")]

    assert found(TABLE, target) == max(fitting, key=lambda each: len(each.prefix)).settings.name


@given(PATHS)
def test_prefixes_go_from_the_path_to_the_root(path: bytes) -> None:
    """Each ends where the next segment of the one before begins."""
    listed = list(prefixes(path))

    assert listed[0] == path
    assert listed[-1] == b""
    assert all(path.startswith(each) and path[len(each) : len(each) + 1] in (b"", b"/") for each in listed)
    assert len(listed) == path.count(b"/") + 1


def test_a_prefix_without_slash_ends_at_once() -> None:
    """No path is such, but no loop hangs on it."""
    assert list(prefixes(b"ab")) == [b"ab", b""]


def test_a_host_decides_before_a_route_for_any() -> None:
    """Compared without case and port; the order of the file does not count."""
    routes = [named("any", "/a"), named("mine", "/a", host="mine.example")]

    assert found(routes, b"/a", host=b"MINE.example:8080") == "mine"
    assert found(routes, b"/a", host=b"other.example") == "any"
    assert found(routes, b"http://mine.example/a", host=b"other.example") == "mine"


def test_a_route_of_another_host_is_none() -> None:
    """Its path alone does not open it."""
    with pytest.raises(RouteUnknown):
        found([named("mine", "/a", host="mine.example")], b"/a")


def test_methods_choose_between_routes_with_one_path() -> None:
    """And what neither takes is refused with what both take."""
    routes = [named("get", "/a", methods=frozenset({"GET"})), named("post", "/a", methods=frozenset({"POST", "PUT"}))]

    assert (found(routes, b"/a"), found(routes, b"/a", "PUT")) == ("get", "post")
    with pytest.raises(MethodNotAllowed) as raised:
        found(routes, b"/a", "DELETE")
    assert raised.value.allowed == ("GET", "POST", "PUT")


def test_a_shorter_prefix_takes_what_the_methods_of_a_longer_one_leave() -> None:
    """No request is refused that some route would take."""
    assert found([named("root", "/"), named("a", "/a", methods=frozenset({"POST"}))], b"/a") == "root"


@pytest.mark.parametrize("target", [b"/b", b"/", b"/ab"])
def test_what_no_route_takes_is_unknown(target: bytes) -> None:
    """404."""
    with pytest.raises(RouteUnknown):
        found([named("a", "/a")], target)


def test_a_fragment_is_no_part_of_a_target() -> None:
    """RFC 9112 §3.2; somebody behind us might cut it off and see another path."""
    with pytest.raises(RouteUnknown, match="fragment"):
        found(TABLE, b"/a#b")


@pytest.mark.parametrize("target", [b"/a/..", b"/a/%2e%2e/x", b"/a/b/c/../../../..", b"/.."])
def test_a_path_that_climbs_out_of_its_route_is_refused(target: bytes) -> None:
    """It would reach another flow of the tenant with this route's token."""
    with pytest.raises(TargetOutsideRoute):
        found([named("a", "/a"), named("root", "/")], target)


def test_all_routes_can_be_looked_through() -> None:
    """For the status page."""
    assert {each.settings.name for each in Routes(TABLE)} == {"root", "a", "deep", "escaped"}
