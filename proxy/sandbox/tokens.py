"""Access tokens: how SAP's look, who signs them, and which of them the runtime node still takes."""

import base64
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from proxy.sandbox.registration import RegisteredClient

UNLIMITED = float("inf")
_KEPT = 10_000
"Tokens that the ledger remembers; a sandbox that is asked for more forgets the oldest."

SUBDOMAIN = "sandbox"
_NAMESPACE = uuid.UUID("6f2a8f0e-3d0f-4e0c-9a54-3f3b8a1d1c11")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """One token that was issued; it expires at a wall time in seconds, perhaps never."""

    value: str = field(repr=False)
    client_id: str
    roles: frozenset[str]
    expires_at: float


class IssuedTokens:
    """Every token that was issued, and whether it is still good."""

    def __init__(self) -> None:
        self._tokens: dict[str, AccessToken] = {}
        self._owners: dict[str, str] = {}

    def enter(self, token: AccessToken) -> None:
        """Remember a token."""
        self._tokens[token.value] = token
        self._owners[token.value] = token.client_id
        if len(self._owners) > _KEPT:
            oldest = next(iter(self._owners))
            del self._owners[oldest]
            self._tokens.pop(oldest, None)

    def find(self, value: str, *, now: float) -> AccessToken | None:
        """The token with this value, if it is good at the wall time `now`."""
        token = self._tokens.get(value)
        return token if token is not None and now < token.expires_at else None

    def owner(self, value: str) -> str | None:
        """The OAuth client that a token was issued to, good or not."""
        return self._owners.get(value)

    def void(self, client_id: str) -> None:
        """Void every token of one OAuth client, as Neo does in unlimited mode with each new one."""
        self._tokens = {value: token for value, token in self._tokens.items() if token.client_id != client_id}

    def expire_all(self) -> None:
        """Void all of them; the authorization server may do so before `expires_in` (SAP help, Neo, resilience)."""
        self._tokens.clear()


class SigningKey:
    """The RS256 key behind the JSON Web Tokens, and its public half as UAA publishes it."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.key_id = f"default-jwt-key--{uuid.uuid4().hex[:10]}"

    def sign(self, claims: Mapping[str, object], *, key_set_url: str | None = None) -> str:
        """A JWT (RFC 7519); `jku` is in XSUAA's only."""
        headers = {"kid": self.key_id} if key_set_url is None else {"jku": key_set_url, "kid": self.key_id}
        return jwt.encode(dict(claims), self._key, algorithm="RS256", headers=headers)

    def key_set(self) -> dict[str, object]:
        """The JWK set (RFC 7517 §5) with UAA's extra `value`, the key as PEM."""
        numbers = self._key.public_key().public_numbers()
        pem = self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        key = {
            "kty": "RSA",
            "e": _base64url_number(numbers.e),
            "use": "sig",
            "kid": self.key_id,
            "alg": "RS256",
            "value": pem.strip(),
            "n": _base64url_number(numbers.n),
        }
        return {"keys": [key]}


def neo_claims(client: RegisteredClient, *, issuer: str, token_id: str, issued: int, expires: int) -> dict[str, object]:
    """Claims of Neo's JWT; SAP documents none of them, so nobody may rely on these."""
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
    """Claims of XSUAA's JWT for client credentials, in the shape that SAP's own validator reads."""
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
    """What XSUAA grants: each role under the name of the application that defines it."""
    application = application_name(client.client_id)
    return ["uaa.resource", *(f"{application}.{role}" for role in sorted(client.roles))]


def application_name(client_id: str) -> str:
    """`it-rt-<tenant>!b<n>` of `sb-<uuid>!b<n>|it-rt-<tenant>!b<n>`."""
    return client_id.rpartition("|")[2]


def zone_id() -> str:
    """The identity zone, the same at each start."""
    return str(uuid.uuid5(_NAMESPACE, "zone"))


def _base64url_number(number: int) -> str:
    octets = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
