"""Client authentication: how a token request presents its credentials, and whether they are valid."""

import base64
import binascii
import hmac
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

import jwt

from proxy.config.choices import AuthMethod
from proxy.sandbox.certificate_authority import Identity
from proxy.sandbox.clients import RegisteredClient

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_KEPT = 10_000
"Number of assertion ids that are remembered."


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedCredentials:
    """The credentials of a token request, before they are checked."""

    client_id: str
    secret: str = field(default="", repr=False)
    "The assertion if the method is private_key_jwt; empty for a client certificate."
    method: AuthMethod


class AssertionVerifier:
    """Verifies client assertions (RFC 7523 §3) and accepts each `jti` once."""

    def __init__(self, *, audience: str, identities: Mapping[str, Identity]) -> None:
        self._audience = audience
        self._identities = identities
        self._used: deque[str] = deque(maxlen=_KEPT)

    def verify(self, assertion: str, *, client_id: str, now: float) -> bool:
        """Returns whether the client signed the assertion for this server, and it is unexpired at `now` and unused."""
        identity = self._identities.get(client_id)
        if identity is None:
            return False
        try:
            claims = jwt.decode(
                assertion,
                identity.public_key_pem(),
                algorithms=["ES256"],
                audience=self._audience,
                issuer=client_id,
                subject=client_id,
                # The sandbox's clock is injected; PyJWT would read the system's.
                options={"require": ["iss", "sub", "aud", "exp", "jti"], "verify_exp": False, "verify_iat": False},
            )
            expires_at = float(claims["exp"])
        except (jwt.PyJWTError, TypeError, ValueError):
            return False
        # `exp` can be NaN, which compares false.
        valid = now < expires_at and claims["jti"] not in self._used
        if valid:
            self._used.append(claims["jti"])
        return valid


class ClientRegistry:
    """The OAuth clients of one authorization server."""

    def __init__(self, clients: Iterable[RegisteredClient], *, assertions: AssertionVerifier | None = None) -> None:
        self._clients = {client.client_id: client for client in clients}
        self._assertions = assertions

    def authenticate(
        self, credentials: PresentedCredentials | None, *, now: float, certificate_name: str | None = None
    ) -> RegisteredClient | None:
        """Returns the OAuth client if its credentials are valid at the wall time `now`."""
        client = self._clients.get(credentials.client_id) if credentials else None
        if client is None or credentials is None:
            return None
        match credentials.method:
            case AuthMethod.TLS_CLIENT_AUTH:
                valid = certificate_name is not None and certificate_name == client.certificate_name
            case AuthMethod.PRIVATE_KEY_JWT:
                valid = self._verify(credentials.secret, client_id=client.client_id, now=now)
            case _:
                valid = hmac.compare_digest(credentials.secret.encode(), client.secret.encode())
        return client if valid else None

    def _verify(self, assertion: str, *, client_id: str, now: float) -> bool:
        return self._assertions is not None and self._assertions.verify(assertion, client_id=client_id, now=now)


def read_credentials(
    authorization: str | None, parameters: Mapping[str, str], *, encoded: bool
) -> PresentedCredentials | None:
    """Returns the credentials of a token request; an Authorization field takes precedence over the body.

    `encoded` is UAA's `X-CF-ENCODED-CREDENTIALS: true`: id and secret in Basic are form-urlencoded (RFC 6749 §2.3.1).
    """
    if authorization is not None:
        return _read_basic(authorization, encoded=encoded)
    client_id, secret = parameters.get("client_id"), parameters.get("client_secret")
    if client_id is None:
        return None
    if parameters.get("client_assertion_type") == ASSERTION_TYPE:
        assertion = parameters.get("client_assertion", "")
        return PresentedCredentials(client_id=client_id, secret=assertion, method=AuthMethod.PRIVATE_KEY_JWT)
    method = AuthMethod.TLS_CLIENT_AUTH if secret is None else AuthMethod.CLIENT_SECRET_POST
    return PresentedCredentials(client_id=client_id, secret=secret or "", method=method)


def _read_basic(authorization: str, *, encoded: bool) -> PresentedCredentials | None:
    scheme, _, value = authorization.partition(" ")
    try:
        # RFC 7617 §2: the id ends at the first colon.
        client_id, colon, secret = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    if scheme.lower() != "basic" or not colon:
        return None
    if encoded:
        client_id, secret = unquote_plus(client_id), unquote_plus(secret)
    return PresentedCredentials(client_id=client_id, secret=secret, method=AuthMethod.CLIENT_SECRET_BASIC)
