"""Which route a request without one may have meant."""

import pytest

from proxy.config.model import RouteSettings
from proxy.forwarding.nearest_route import LONGEST, SHOWN, nearest_route


def settings(name: str, path: str, host: str | None = None) -> RouteSettings:
    """Make a route's settings."""
    return RouteSettings(name=name, path=path, host=host, upstream="https://up.example.com", oauth_client="a")


TABLE = [settings("orders", "/orders"), settings("invoices", "/v1/invoices"), settings("mine", "/Mine", "mine.example")]


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (b"/order", "The nearest route is orders, with path /orders."),
        (b"/ordres/1/2/3/4", "The nearest route is orders, with path /orders."),
        (b"/Orders", "The nearest route is orders, with path /orders."),
        (b"/http/orders", "The nearest route is orders, with path /orders."),
        (b"/v1/invoice/7", "The nearest route is invoices, with path /v1/invoices."),
        (b"/mine", "The nearest route is mine, with path /Mine for host mine.example."),
        (b"/Mine/x", "The nearest route is mine, with path /Mine for host mine.example."),
        (b"", "The nearest route is orders, with path /orders."),
    ],
)
def test_the_most_similar_path_is_the_nearest(path: bytes, sentence: str) -> None:
    """Case and further segments count little."""
    assert nearest_route(TABLE, path, "h") == sentence


def test_the_host_of_the_request_is_not_repeated() -> None:
    """Only the path is wrong."""
    assert nearest_route(TABLE, b"/min", "mine.example") == "The nearest route is mine, with path /Mine."


def test_a_root_route_of_another_host_has_a_slash() -> None:
    """Its prefix is empty."""
    routes = [settings("root", "", "mine.example")]
    assert nearest_route(routes, b"/x", "h") == "The nearest route is root, with path / for host mine.example."


def test_long_paths_are_cut() -> None:
    """Comparing and showing have a limit."""
    routes = [settings("long", "/" + "a" * SHOWN), settings("end", "/z")]
    sentence = f"The nearest route is long, with path /{'a' * (SHOWN - 1)}…."
    assert nearest_route(routes, b"/" + b"a" * LONGEST + b"/z" * 10_000, "h") == sentence
