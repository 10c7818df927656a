"""The sandbox's OAuth clients and the service keys that it hands out for them."""

import base64
import secrets
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime

from proxy.sandbox.certificate_authority import Identity

ROLE = "ESBMessaging.send"
"The role that a sender needs on the runtime node unless its integration flow names another one."


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredClient:
    """An OAuth client as registered in Neo's cockpit or created by a service key."""

    client_id: str
    secret: str = field(repr=False)
    roles: frozenset[str] = frozenset({ROLE})
    certificate_name: str | None = None
    "Common name of the certificate that is accepted instead of the secret."


def make_neo_client(secret: str | None) -> RegisteredClient:
    """Makes the Neo client; without `secret` it gets a random one."""
    return RegisteredClient(client_id="sandbox-neo-client", secret=secret or secrets.token_urlsafe(24))


def make_roleless_client() -> RegisteredClient:
    """Makes a Neo client that gets valid tokens but whose user `oauth_client_<id>` has no role."""
    secret = secrets.token_urlsafe(24)
    return RegisteredClient(client_id="sandbox-neo-without-role", secret=secret, roles=frozenset())


def make_btp_client() -> RegisteredClient:
    """Makes the client of a service key; its id and secret contain the characters that encodings break."""
    instance = uuid.uuid4()
    secret = f"{uuid.uuid4()}${base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()}"
    return RegisteredClient(
        client_id=f"sb-{instance}!b1234|it-rt-sandbox!b5678", secret=secret, certificate_name=f"sandbox-{instance}"
    )


def secret_key(client: RegisteredClient, *, url: str, token_url: str, created: float) -> dict[str, object]:
    """Returns a service key of type ClientId/Secret (plan `integration-flow`); `created` is wall time in seconds."""
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
    """Returns a service key of type Certificate: it has no secret (RFC 8705 §2.1)."""
    return {
        "oauth": {
            "clientid": client.client_id,
            "certificate": identity.certificate,
            "key": identity.private_key,
            "url": url,
            "tokenurl": token_url,
        }
    }
