"""The routes of the embedded proxy."""

from pathlib import Path

from proxy.config.inbound_auth import ApiKey, InboundAuth
from proxy.config.model import RouteSettings
from proxy.trial.embedded_proxy import without_inbound_auth


def test_its_sender_needs_no_credential() -> None:
    """The route has no `inbound_auth`, but still drops the field of the API key."""
    route = RouteSettings(
        name="a", path="/a", upstream="https://up.example.com", oauth_client="c", drop_fields=("X-Own",)
    )
    auth = InboundAuth(api_key=ApiKey(keys_file=Path("keys")))
    expected = route.model_copy(update={"drop_fields": ("X-Own", "X-API-Key")})
    assert without_inbound_auth(route.model_copy(update={"inbound_auth": auth})) == expected
