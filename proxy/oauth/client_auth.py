"""Client authentication at the token endpoint (RFC 6749 §2.3, RFC 7523 §2.2, RFC 8705 §2).

Each method adds its credentials to a token request that has none yet, so that a request never has two (RFC 6749 §2.3
forbids that, and Neo refuses a secret in the body).
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
"Turns claims into a signed JWT."


class ClientAuth(Protocol):
    """One method of client authentication."""

    def amend(self, request: GrantRequest) -> GrantRequest:
        """Returns the request with the credentials."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSecretBasic:
    """Sends id and secret in Authorization: as UTF-8 (RFC 7617), or form-urlencoded first (RFC 6749 §2.3.1)."""

    client_id: str
    client_secret: str = field(repr=False)
    encoding: BasicEncoding
    says_encoded: bool = False
    "Whether to send `X-CF-ENCODED-CREDENTIALS`: UAA decodes only then; other servers do not know the field."

    def amend(self, request: GrantRequest) -> GrantRequest:
        """Sets Authorization."""
        pair = f"{self._encode(self.client_id)}:{self._encode(self.client_secret)}".encode()
        request = request.with_field("Authorization", "Basic " + base64.b64encode(pair).decode("ascii"))
        request = replace(request, hint=self._hint())
        return request.with_field("X-CF-ENCODED-CREDENTIALS", "true") if self.says_encoded else request

    def _encode(self, text: str) -> str:
        return text if self.encoding is BasicEncoding.RAW else urlencoded(text)

    def _hint(self) -> str:
        """Names the other encoding if a server that expects it would read the credentials differently."""
        both = self.client_id + self.client_secret
        if self.encoding is BasicEncoding.RAW:
            is_ambiguous = not {"+", "%"}.isdisjoint(both)
            return "or try basic_encoding: urlencoded, because id or secret contain + or %" if is_ambiguous else ""
        return "or try basic_encoding: raw, because many servers do not decode" if urlencoded(both) != both else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSecretPost:
    """Sends id and secret in the body (RFC 6749 §2.3.1): SAP's advice for XSUAA secrets that contain a plus."""

    client_id: str
    client_secret: str = field(repr=False)

    def amend(self, request: GrantRequest) -> GrantRequest:
        """Adds both to the form."""
        return request.with_form(("client_id", self.client_id), ("client_secret", self.client_secret))


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateKeyJwt:
    """Sends an assertion signed with the client's key (RFC 7523 §3), a new one in each request."""

    client_id: str
    audience: str
    sign: Sign = field(repr=False)
    wall: Callable[[], float] = field(repr=False)
    new_id: Callable[[], str] = field(repr=False)

    def amend(self, request: GrantRequest) -> GrantRequest:
        """Adds assertion and client id to the form."""
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
    """Sends only the id: the connection's certificate is the credential (RFC 8705 §2.1.1), or none is required."""

    client_id: str

    def amend(self, request: GrantRequest) -> GrantRequest:
        """Adds the id to the form."""
        return request.with_form(("client_id", self.client_id))


def client_auths(
    client: OAuthClient, *, wall: Callable[[], float], new_id: Callable[[], str]
) -> tuple[ClientAuth, ...]:
    """Returns the methods to try, in order; there is a second one only with `client_secret_next`.

    ValueError names the credential that is missing or cannot be read.
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
    """Returns what signs with the private key; ValueError if the key cannot be used."""
    import jwt  # noqa: PLC0415 - slower than the rest of the start, and few OAuth clients need it

    try:
        key, algorithm = signing_key(repair_pem(pem))
    except ValueError as error:
        raise ValueError(f"OAuth client {oauth_client}: private_key {error}") from None
    headers = None if key_id is None else {"kid": key_id}
    return lambda claims: jwt.encode(claims, key, algorithm, headers)


def urlencoded(text: str) -> str:
    """Encodes a value of a form."""
    return encoded((("", text),))[1:]


def _secrets(client: OAuthClient) -> tuple[str, ...]:
    first = _revealed(client, "client_secret", client.client_secret)
    following = client.client_secret_next
    return (first,) if following is None else (first, following.get_secret_value())


def _revealed(client: OAuthClient, what: str, secret: "SecretStr | None") -> str:
    if secret is None:
        method = client.token_endpoint_auth_method.value
        raise ValueError(f"OAuth client {client.name}: {method} needs {what} or {what}_file")
    return secret.get_secret_value()
