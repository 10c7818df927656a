"""A proxy within a command."""

from pathlib import Path

from proxy.config.inbound_auth import ApiKey, InboundAuth
from proxy.config.model import RouteSettings
from proxy.trial.embedded_proxy import lazy, ungated
from tests.unit.oauth.registrations import registration


def test_its_one_sender_needs_no_credential() -> None:
    """Though a key that it is given stays in the house."""
    route = RouteSettings(
        name="a", path="/a", upstream="https://up.example.com", oauth_client="c", drop_fields=("X-Own",)
    )
    auth = InboundAuth(api_key=ApiKey(keys_file=Path("keys")))
    expected = route.model_copy(update={"drop_fields": ("X-Own", "X-API-Key")})
    assert ungated(route.model_copy(update={"inbound_auth": auth})) == expected


def test_its_oauth_clients_wait_for_the_message() -> None:
    """A message through one route makes no grant for another route's OAuth client."""
    assert lazy(registration(grant_at_start=True)) == registration()
