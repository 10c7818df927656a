"""How an OAuth client proves itself at the token endpoint (RFC 6749 §2.3, RFC 7523 §2.2, RFC 8705 §2).

Each method amends a token request that carries no credentials yet, so there are never two methods at once (RFC 6749
§2.3 forbids it, and Neo refuses a secret in the body).
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, assert_never

from proxy.config.model import AuthMethod, BasicEncoding, OAuthClient, Provider
from proxy.config.pem import repair_pem, signing_key
from proxy.oauth.grant import GrantRequest, encoded

if TYPE_CHECKING:
    from pydantic import SecretStr

ASSERTION_SECONDS = 60
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

Sign = Callable[[dict[str, Any]], str]
"From claims to a signed JWT."


class ClientAuth(Protocol):
    """One way to authenticate."""

    def amend(self, request: GrantRequest) -> GrantRequest:
        """Add the credentials to a request that has none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSecretBasic:
    """Id and secret in the Authorization field, as UTF-8 (RFC 7617), or form-urlencoded first (RFC 6749 §2.3.1)."""

    client_id: str
    client_secret: str = field(repr=False)
    encoding: BasicEncoding
    says_encoded: bool = False
    "UAA decodes only when `X-CF-ENCODED-CREDENTIALS` tells it to; others do not know the field."

    def amend(self, request: GrantRequest) -> GrantRequest:
        """Set Authorization."""
        pair = f"{self._encode(self.client_id)}:{self._encode(self.client_secret)}".encode()
        request = request.with_field("Authorization", "Basic " + base64.b64encode(pair).decode("ascii"))
        request = replace(request, suspicion=self._suspicion())
        return request.with_field("X-CF-ENCODED-CREDENTIALS", "true") if self.says_encoded else request

    def _encode(self, text: str) -> str:
        return text if self.encoding is BasicEncoding.RAW else urlencoded(text)

    def _suspicion(self) -> str:
        """A server that decodes (RFC 6749 §2.3.1) reads `+` and `%` otherwise; one that does not, what is encoded."""
        both = self.client_id + self.client_secret
        if self.encoding is BasicEncoding.RAW:
            return "or, as id or secret has a + or %, try basic_encoding: urlencoded" if {"+", "%"} & set(both) else ""
        return "or try basic_encoding: raw, for many servers do not decode" if urlencoded(both) != both else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSecretPost:
    """Id and secret in the body (RFC 6749 §2.3.1): SAP's advice for XSUAA secrets that hold a plus."""

    client_id: str
    client_secret: str = field(repr=False)

    def amend(self, request: GrantRequest) -> GrantRequest:
        """Add both to the form."""
        return request.with_form(("client_id", self.client_id), ("client_secret", self.client_secret))


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateKeyJwt:
    """An assertion signed with the client's own key (RFC 7523 §3); a new one for each request."""

    client_id: str
    audience: str
    sign: Sign = field(repr=False)
    wall: Callable[[], float] = field(repr=False)
    new_id: Callable[[], str] = field(repr=False)

    def amend(self, request: GrantRequest) -> GrantRequest:
        """Add assertion and client id to the form."""
        now = int(self.wall())
        assertion = self.sign(
            {
                "iss": self.client_id,
                "sub": self.client_id,
                "aud": self.audience,
                "jti": self.new_id(),
                "iat": now,
                "exp": now + ASSERTION_SECONDS,
            }
        )
        return request.with_form(
            ("client_id", self.client_id),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", assertion),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientIdOnly:
    """The id in the body; the proof is the certificate of the connection (RFC 8705 §2.1.1), or none is wanted."""

    client_id: str

    def amend(self, request: GrantRequest) -> GrantRequest:
        """Add the id to the form."""
        return request.with_form(("client_id", self.client_id))


def client_auths(
    client: OAuthClient, *, wall: Callable[[], float], new_id: Callable[[], str]
) -> tuple[ClientAuth, ...]:
    """Return the ways to authenticate, best first: with `client_secret_next` there is a second one.

    ValueError says which credential is missing or cannot be read.
    """
    match client.token_endpoint_auth_method:
        case AuthMethod.CLIENT_SECRET_BASIC:
            is_encoded = client.basic_encoding is BasicEncoding.URLENCODED
            return tuple(
                ClientSecretBasic(
                    client_id=client.client_id,
                    client_secret=secret,
                    encoding=client.basic_encoding,
                    says_encoded=is_encoded and client.provider is Provider.XSUAA,
                )
                for secret in _secrets(client)
            )
        case AuthMethod.CLIENT_SECRET_POST:
            return tuple(ClientSecretPost(client_id=client.client_id, client_secret=each) for each in _secrets(client))
        case AuthMethod.PRIVATE_KEY_JWT:
            key = _revealed(client, "private_key", client.private_key)
            return (
                PrivateKeyJwt(
                    client_id=client.client_id,
                    audience=client.assertion_audience or client.token_url,
                    sign=signer(key, key_id=client.private_key_id, oauth_client=client.name),
                    wall=wall,
                    new_id=new_id,
                ),
            )
        case AuthMethod.TLS_CLIENT_AUTH | AuthMethod.NONE:
            return (ClientIdOnly(client_id=client.client_id),)
        case unknown:
            assert_never(unknown)


def signer(pem: str, *, key_id: str | None, oauth_client: str) -> Sign:
    """Load a private key and return what signs with it."""
    import jwt  # noqa: PLC0415 - takes longer than the rest of the start, and few OAuth clients use it

    try:
        key, algorithm = signing_key(repair_pem(pem))
    except ValueError as error:
        raise ValueError(f"OAuth client {oauth_client}: private_key {error}") from None
    headers = None if key_id is None else {"kid": key_id}
    return lambda claims: jwt.encode(claims, key, algorithm, headers)


def urlencoded(text: str) -> str:
    """As a value in a form."""
    return encoded((("", text),))[1:]


def _secrets(client: OAuthClient) -> tuple[str, ...]:
    first = _revealed(client, "client_secret", client.client_secret)
    following = client.client_secret_next
    return (first,) if following is None else (first, following.get_secret_value())


def _revealed(client: OAuthClient, what: str, secret: "SecretStr | None") -> str:
    if secret is None:
        method = client.token_endpoint_auth_method.value
        raise ValueError(f"OAuth client {client.name}: {method} needs {what}, or {what}_file")
    return secret.get_secret_value()
