"""Routes and listeners as shown."""

from pathlib import Path

from proxy.config.inbound_auth import ApiKey, Basic, ClientCertificate, InboundAuth
from proxy.config.model import Address, Rate, RouteSettings
from proxy.console.resending import credential_field
from proxy.console.state import fences, url_of
from tests.cases import cases

ROUTE = RouteSettings(name="a", path="/a", upstream="https://t.example", oauth_client="c")
FILE = Path("/f")


@cases(
    "options, shown",
    ({}, []),
    ({"inbound_auth": InboundAuth(basic=Basic(users_file=FILE))}, ["user and password"]),
    ({"inbound_auth": InboundAuth(api_key=ApiKey(keys_file=FILE))}, ["a key in X-API-Key"]),
    (
        {"inbound_auth": InboundAuth(client_certificate=ClientCertificate(subjects=("CN=a",)))},
        ["the certificate of CN=a"],
    ),
    ({"content_types": ("text/xml",), "max_concurrency": 2}, ["content of type text/xml", "at most 2 at a time"]),
    ({"allow": ()}, ["senders in no network"]),
    ({"rate": Rate(per_sender="50/s")}, ["at most 50 requests of one sender in 1 s"]),
)
def test_fences_are_told_as_text(options: dict[str, object], shown: list[str]) -> None:
    """Without files and keys."""
    assert list(fences(ROUTE.model_copy(update=options))) == shown


@cases(
    "host, secure, url",
    ("127.0.0.1", False, "http://127.0.0.1:80"),
    ("0.0.0.0", True, "https://127.0.0.1:80"),
    ("::", False, "http://[::1]:80"),
    ("proxy.example", False, "http://proxy.example:80"),
)
def test_a_listener_on_all_addresses_is_reached_by_loopback(host: str, url: str, *, secure: bool) -> None:
    """From this machine."""
    assert url_of(Address(host=host, port=80), secure=secure) == url


def test_the_field_of_a_senders_credential() -> None:
    """A certificate has none."""
    auths = {
        "": InboundAuth(client_certificate=ClientCertificate(subjects=("CN=a",))),
        "authorization": InboundAuth(basic=Basic(users_file=FILE)),
        "x-api-key": InboundAuth(api_key=ApiKey(keys_file=FILE)),
    }
    for name, auth in auths.items():
        assert credential_field(ROUTE.model_copy(update={"inbound_auth": auth})) == name
    assert credential_field(ROUTE) == ""
