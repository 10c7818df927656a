"""What a user may call a destination."""

import pytest

from proxy.cli.destination import Destination, destination
from proxy.config.model import Route

ROUTES = [
    Route(name="all", path="", upstream="https://t.example/http", oauth_client="c"),
    Route(name="orders", path="/o", upstream="https://t.example:443/http/orders", oauth_client="c", host="o.example"),
    Route(name="plain", path="/p", upstream="http://127.0.0.1:80", oauth_client="c"),
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
    assert destination(word, ROUTES) == Destination(host, target)


@pytest.mark.parametrize(
    ("word", "wrong"),
    [
        ("order", "There is no route order; there is all, orders, plain."),
        ("http://t.example/http", "No route leads to http://t.example/http; upstreams are http://127.0.0.1:80, https:"),
        ("https://t.example/cxf", "No route leads to"),
        ("https://t.example:8443/http", "No route leads to"),
        ("/a b", "percent-encode"),
        ("/a#b", "percent-encode"),
        ("", "percent-encode"),
    ],
)
def test_what_leads_nowhere_is_refused_with_what_there_is(word: str, wrong: str) -> None:
    """So that nobody has to look it up."""
    with pytest.raises(ValueError, match="^" + wrong if wrong[0] in "TN" else wrong):
        destination(word, ROUTES)
