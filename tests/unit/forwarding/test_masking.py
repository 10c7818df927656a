"""The head of a forwarded request is shown without its credentials."""

from pathlib import Path

from proxy.config.inbound_auth import ApiKey, Basic, InboundAuth
from proxy.config.load import load
from proxy.config.model import RouteSettings
from proxy.forwarding.masking import masked_lines, masked_names

CONFIGURATION = """
oauth_clients:
  c: {token_url: "https://as.example/t", client_id: c, client_secret: s}
routes:
  - path: /orders
    upstream: "https://t.example/http/orders"
    oauth_client: c
    set_fields: {X-Env: "Bearer ${KEY}", X-Default: "${UNSET:-d}", X-Own: $l}
"""
HEAD = b"POST /a HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer x\r\nCOOKIE: a=b\r\nX-Env: k\r\nX-Own: l\r\n\r\n"
ROUTE = RouteSettings(name="a", path="/a", upstream="https://t.example", oauth_client="c")


def test_values_of_credentials_are_masked() -> None:
    """`set_fields` counts only if it has a variable."""
    route = ROUTE.model_copy(
        update={"set_fields": {"X-Env": "k", "X-Own": "l"}, "secret_set_fields": frozenset({"X-Env"})}
    )
    assert masked_lines(HEAD, masked_names(route)) == [
        "POST /a HTTP/1.1",
        "Host: t",
        "Authorization: ***",
        "COOKIE: ***",
        "X-Env: ***",
        "X-Own: l",
    ]


def test_a_configuration_remembers_what_is_from_a_variable(tmp_path: Path) -> None:
    """So is a default."""
    (tmp_path / "proxy.yaml").write_text(CONFIGURATION)
    (route,) = load(tmp_path / "proxy.yaml", {"KEY": "sesame"}).routes
    assert route.set_fields == {"X-Env": "Bearer sesame", "X-Default": "d", "X-Own": "$l"}
    assert masked_names(route) == masked_names(ROUTE) | {"x-env", "x-default"}


def test_the_key_of_a_route_is_masked() -> None:
    """A route without a key has only the usual names."""
    key = InboundAuth(api_key=ApiKey(field="X-Own", keys_file=Path("keys")))
    assert masked_names(ROUTE.model_copy(update={"inbound_auth": key})) == masked_names(ROUTE) | {"x-own"}
    basic = InboundAuth(basic=Basic(users_file=Path("users")))
    assert masked_names(ROUTE.model_copy(update={"inbound_auth": basic})) == masked_names(ROUTE)
