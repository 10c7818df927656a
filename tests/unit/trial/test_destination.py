"""What a user may call a destination."""

import pytest

from proxy.config.model import RouteSettings
from proxy.trial.destination import destination

ROUTES = [
    RouteSettings(name="all", path="", upstream="https://t.example/http", oauth_client="c"),
    RouteSettings(
        name="orders", path="/o", upstream="https://t.example:443/http/orders", oauth_client="c", host="o.example"
    ),
    RouteSettings(name="plain", path="/p", upstream="http://127.0.0.1:80", oauth_client="c"),
]


@pytest.mark.parametrize(
    ("word", "host", "target"),
    [
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
    ],
)
def test_a_name_a_path_or_the_tenants_url(word: str, host: str, target: str) -> None:
    """A URL goes to the route that comes closest to it."""
    found = destination(word, ROUTES, "POST")
    assert (found.host, found.target) == (host, target)


@pytest.mark.parametrize(
    ("word", "wrong"),
    [
        ("order", "There is no route order; the routes are all, orders, plain."),
        (
            "http://t.example/http",
            "No route leads to http://t.example/http; the upstreams are http://127.0.0.1:80, https:",
        ),
        ("https://t.example/cxf", "No route leads to"),
        ("https://t.example:8443/http", "No route leads to"),
        ("/a b", "percent-encode"),
        ("/a#b", "percent-encode"),
        ("", "percent-encode"),
        ("https://t.example:99999/http", "That is not a valid URL"),
        ("https://me:sesame@other.example/x?y", "No route leads to https://other.example/x; the upstreams"),
    ],
)
def test_what_leads_nowhere_is_refused_with_what_there_is(word: str, wrong: str) -> None:
    """So that nobody has to look it up."""
    with pytest.raises(ValueError, match="^" + wrong if wrong[0] in "TN" else wrong):
        destination(word, ROUTES, "POST")


READ = RouteSettings(name="read", path="/m", upstream="https://m.example", oauth_client="c", methods=frozenset({"GET"}))
WRITE = RouteSettings(
    name="write", path="/m", upstream="https://m.example/w", oauth_client="c", methods=frozenset({"POST"})
)
WIDE = RouteSettings(name="wide", path="/a", upstream="https://t.example/http", oauth_client="c")
NARROW = RouteSettings(name="narrow", path="/a/echo", upstream="https://production.example", oauth_client="c")


@pytest.mark.parametrize(
    ("word", "routes", "wrong"),
    [
        ("read", [READ, WRITE], "POST /m goes to route write, not to read."),
        ("https://t.example/http/echo/x", [WIDE, NARROW], "POST /a/echo/x goes to route narrow, not to wide."),
    ],
)
def test_a_message_never_goes_to_another_route_than_the_one_that_was_meant(
    word: str, routes: list[RouteSettings], wrong: str
) -> None:
    """What the command means and what the proxy would do are compared before anything is sent."""
    with pytest.raises(ValueError, match=wrong):
        destination(word, routes, "POST")


def test_a_path_goes_wherever_the_proxy_takes_it() -> None:
    """Also nowhere: its answer says why."""
    assert destination("/a/echo/x", [WIDE, NARROW], "POST").route is NARROW
    assert destination("/elsewhere", [WIDE, NARROW], "POST").route is None
