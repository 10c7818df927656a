"""Names, paths and URLs become host and target."""

from pathlib import Path

import pytest

from proxy.config.model import Address, ListenerSettings, RouteSettings
from proxy.trial.destination import destination
from tests.cases import cases, grouped_cases

ROUTES = [
    RouteSettings(name="all", path="", upstream="https://t.example/http", oauth_client="c"),
    RouteSettings(
        name="orders", path="/o", upstream="https://t.example:443/http/orders", oauth_client="c", host="o.example"
    ),
    RouteSettings(name="plain", path="/p", upstream="http://127.0.0.1:80", oauth_client="c"),
]


@cases(
    "word, host, target",
    ("all", "localhost", "/"),
    ("orders", "o.example", "/o"),
    ("/anything?x=%2F", "localhost", "/anything?x=%2F"),
    ("https://t.example/http", "localhost", "/"),
    ("https://t.example/http?x", "localhost", "/?x"),
    ("https://t.example/http/other/one?x=y", "localhost", "/other/one?x=y"),
    ("https://t.example/http/orders", "o.example", "/o"),
    ("https://T.example/http/orders/create?x", "o.example", "/o/create?x"),
    ("https://t.example/http/ordersandmore", "localhost", "/ordersandmore"),
    ("http://127.0.0.1/a", "localhost", "/p/a"),
)
def test_a_destination_is_a_name_a_path_or_a_url_of_the_tenant(word: str, host: str, target: str) -> None:
    """The longest upstream wins."""
    found = destination(word, ROUTES, "POST")
    assert found.host == host
    assert found.target == target


@grouped_cases(
    "wrong, word",
    ("There is no route order; the routes are all, orders, plain.", ["order"]),
    (
        "No route leads to http://t.example/http; the upstreams are http://127.0.0.1:80, https:",
        ["http://t.example/http"],
    ),
    ("No route leads to", ["https://t.example/cxf", "https://t.example:8443/http"]),
    ("percent-encode", ["/a b", "/a#b", ""]),
    ("That is not a valid URL", ["https://t.example:99999/http"]),
    ("No route leads to https://other.example/x; the upstreams", ["https://me:sesame@other.example/x?y"]),
)
def test_an_unknown_destination_is_an_error_that_lists_the_known_ones(word: str, wrong: str) -> None:
    """Without credentials and query."""
    with pytest.raises(ValueError, match="^" + wrong if wrong[0] in "TN" else wrong):
        destination(word, ROUTES, "POST")


READ = RouteSettings(name="read", path="/m", upstream="https://m.example", oauth_client="c", methods=frozenset({"GET"}))
WRITE = RouteSettings(
    name="write", path="/m", upstream="https://m.example/w", oauth_client="c", methods=frozenset({"POST"})
)
WIDE = RouteSettings(name="wide", path="/a", upstream="https://t.example/http", oauth_client="c")
NARROW = RouteSettings(name="narrow", path="/a/echo", upstream="https://production.example", oauth_client="c")


@cases(
    "word, routes, wrong",
    ("read", [READ, WRITE], "POST /m goes to route write, not to read."),
    ("https://t.example/http/echo/x", [WIDE, NARROW], "POST /a/echo/x goes to route narrow, not to wide."),
)
def test_a_destination_that_another_route_matches_is_an_error(
    word: str, routes: list[RouteSettings], wrong: str
) -> None:
    """The proxy would take that."""
    with pytest.raises(ValueError, match=wrong):
        destination(word, routes, "POST")


def test_a_path_goes_to_the_route_that_matches_it() -> None:
    """Or is sent all the same."""
    assert destination("/a/echo/x", [WIDE, NARROW], "POST").route is NARROW
    assert destination("/elsewhere", [WIDE, NARROW], "POST").route is None


def listener(host: str, port: int) -> ListenerSettings:
    """At this address."""
    return ListenerSettings(address=Address(host=host, port=port))


LOOPBACK, ALL = listener("127.0.0.1", 8080), listener("0.0.0.0", 8443)


@cases(
    "word, listeners, host, target, name",
    ("http://127.0.0.1:8080/o", [LOOPBACK], "127.0.0.1:8080", "/o", "all"),
    ("http://localhost:8080/a?b=c", [LOOPBACK], "localhost:8080", "/a?b=c", "all"),
    ("HTTP://LOCALHOST:8080", [LOOPBACK], "LOCALHOST:8080", "/", "all"),
    ("http://o.example:8080/o", [LOOPBACK], "o.example:8080", "/o", "orders"),
    ("http://me:sesame@[::1]:8080/p", [listener("::1", 8080)], "[::1]:8080", "/p", "plain"),
    ("https://10.1.2.3:8443/p/x", [LOOPBACK, ALL], "10.1.2.3:8443", "/p/x", "plain"),
    ("https://proxy:8443/p", [ALL], "proxy:8443", "/p", "plain"),
)
def test_a_url_of_the_proxy_itself_is_a_path(
    word: str, listeners: list[ListenerSettings], host: str, target: str, name: str
) -> None:
    """By its host."""
    found = destination(word, ROUTES, "POST", listeners)
    assert (found.host, found.target) == (host, target)
    assert found.route is not None
    assert found.route.name == name


@cases(
    "word, listeners",
    ("http://127.0.0.1:8081/o", [LOOPBACK]),
    ("http://10.1.2.3:8080/o", [LOOPBACK]),
    ("https://other.example:8443/p", [ALL]),
    ("http://localhost:8080/o", [ListenerSettings(address=Address(path=Path("senders")))]),
)
def test_a_url_of_another_server_is_no_path(word: str, listeners: list[ListenerSettings]) -> None:
    """Port and host have to match."""
    with pytest.raises(ValueError, match="No route leads to"):
        destination(word, ROUTES, "POST", listeners)
