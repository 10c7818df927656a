"""Access tokens: their claims, and which of them the runtime node still accepts."""

import uuid
from dataclasses import dataclass, field

from proxy.sandbox.clients import RegisteredClient

UNLIMITED = float("inf")
_KEPT = 10_000
"Number of tokens that are remembered; the oldest are forgotten first."

SUBDOMAIN = "sandbox"
_NAMESPACE = uuid.UUID("6f2a8f0e-3d0f-4e0c-9a54-3f3b8a1d1c11")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A token that was issued; it expires at a wall time in seconds, which may be infinite."""

    value: str = field(repr=False)
    client_id: str
    roles: frozenset[str]
    expires_at: float


class IssuedTokens:
    """The tokens that were issued, and those of them that are still valid."""

    def __init__(self) -> None:
        self._tokens: dict[str, AccessToken] = {}
        self._owners: dict[str, str] = {}

    def add(self, token: AccessToken) -> None:
        """Remembers a token."""
        self._tokens[token.value] = token
        self._owners[token.value] = token.client_id
        if len(self._owners) > _KEPT:
            oldest = next(iter(self._owners))
            del self._owners[oldest]
            self._tokens.pop(oldest, None)

    def find(self, value: str, *, now: float) -> AccessToken | None:
        """Returns the token with this value if it is valid at the wall time `now`."""
        token = self._tokens.get(value)
        return token if token is not None and now < token.expires_at else None

    def owner(self, value: str) -> str | None:
        """Returns the OAuth client of a token, valid or not."""
        return self._owners.get(value)

    def revoke(self, client_id: str) -> None:
        """Revokes all tokens of an OAuth client, as Neo does for each new token if their lifetime is unlimited."""
        self._tokens = {value: token for value, token in self._tokens.items() if token.client_id != client_id}

    def revoke_all(self) -> None:
        """Revokes all tokens; a server may do so before `expires_in` has passed (SAP help, Neo, resilience)."""
        self._tokens.clear()


def neo_claims(client: RegisteredClient, *, issuer: str, token_id: str, issued: int, expires: int) -> dict[str, object]:
    """Returns the claims of Neo's JWT; do not rely on them, because SAP documents none."""
    return {
        "iss": issuer,
        "sub": f"oauth_client_{client.client_id}",
        "client_id": client.client_id,
        "jti": token_id,
        "scope": "",
        "iat": issued,
        "exp": expires,
    }


def xsuaa_claims(
    client: RegisteredClient, *, issuer: str, token_id: str, issued: int, expires: int
) -> dict[str, object]:
    """Returns the claims of XSUAA's JWT for client credentials, as SAP's own validator reads them."""
    scopes = granted_scopes(client)
    application = application_name(client.client_id)
    return {
        "jti": token_id,
        "ext_attr": {
            "enhancer": "XSUAA",
            "subaccountid": str(uuid.uuid5(_NAMESPACE, "subaccount")),
            "zdn": SUBDOMAIN,
            "serviceinstanceid": str(uuid.uuid5(_NAMESPACE, client.client_id)),
        },
        "sub": client.client_id,
        "authorities": scopes,
        "scope": scopes,
        "client_id": client.client_id,
        "cid": client.client_id,
        "azp": client.client_id,
        "grant_type": "client_credentials",
        "rev_sig": uuid.uuid5(_NAMESPACE, client.client_id + client.secret).hex[:8],
        "iat": issued,
        "exp": expires,
        "iss": issuer,
        "zid": zone_id(),
        "aud": ["uaa", client.client_id, *([application] if client.roles else [])],
    }


def granted_scopes(client: RegisteredClient) -> list[str]:
    """Returns the scopes that XSUAA grants: each role after the name of the application that defines it."""
    application = application_name(client.client_id)
    return ["uaa.resource", *(f"{application}.{role}" for role in sorted(client.roles))]


def application_name(client_id: str) -> str:
    """Returns `it-rt-<tenant>!b<n>` of `sb-<uuid>!b<n>|it-rt-<tenant>!b<n>`."""
    return client_id.rpartition("|")[2]


def zone_id() -> str:
    """Returns the id of the identity zone, which is the same at each start."""
    return str(uuid.uuid5(_NAMESPACE, "zone"))
