"""The service keys that the sandbox hands out, as plan `integration-flow` of Process Integration does."""

from datetime import UTC, datetime

from proxy.sandbox.certificates import Identity
from proxy.sandbox.registration import RegisteredClient


def secret_key(client: RegisteredClient, *, url: str, token_url: str, created: float) -> dict[str, object]:
    """Key type ClientId/Secret; `created` is wall time in seconds."""
    moment = datetime.fromtimestamp(created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "oauth": {
            "clientid": client.client_id,
            "clientsecret": client.secret,
            "url": url,
            "createdate": moment,
            "tokenurl": token_url,
        }
    }


def certificate_key(client: RegisteredClient, identity: Identity, *, url: str, token_url: str) -> dict[str, object]:
    """Key type Certificate: no secret, and the certificate stands in for it (RFC 8705 §2.1)."""
    return {
        "oauth": {
            "clientid": client.client_id,
            "certificate": identity.certificate,
            "key": identity.private_key,
            "url": url,
            "tokenurl": token_url,
        }
    }
