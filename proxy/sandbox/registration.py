"""The OAuth clients that the sandbox knows, and who of them a token request comes from."""

import base64
import binascii
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import unquote_plus

ROLE = "ESBMessaging.send"
"What a sender needs on the runtime node, unless its integration flow names another role."


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredClient:
    """One registration: Neo's in the cockpit, or a service key's."""

    client_id: str
    secret: str = field(repr=False)
    roles: frozenset[str] = frozenset({ROLE})
    certificate_name: str | None = None
    "Common name of the certificate that may stand in place of the secret."


class Method(Enum):
    """Where a token request carries its credentials (RFC 7591 §2, RFC 8705 §2)."""

    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    CERTIFICATE = "tls_client_auth"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedCredentials:
    """What a token request claims to be."""

    client_id: str
    secret: str = field(repr=False)
    method: Method


class Registry:
    """The OAuth clients of one authorization server."""

    def __init__(self, clients: Iterable[RegisteredClient]) -> None:
        self._clients = {client.client_id: client for client in clients}

    def authenticate(
        self, credentials: PresentedCredentials | None, *, certificate_name: str | None = None
    ) -> RegisteredClient | None:
        """The OAuth client, if it proved that it is one."""
        client = self._clients.get(credentials.client_id) if credentials else None
        if client is None or credentials is None:
            return None
        if credentials.method is Method.CERTIFICATE:
            proved = certificate_name is not None and certificate_name == client.certificate_name
        else:
            proved = hmac.compare_digest(credentials.secret.encode(), client.secret.encode())
        return client if proved else None


def read_credentials(
    authorization: str | None, parameters: Mapping[str, str], *, encoded: bool
) -> PresentedCredentials | None:
    """The credentials of a token request; a Basic field wins over the body.

    `encoded` is UAA's `X-CF-ENCODED-CREDENTIALS: true`: id and secret in Basic are form-urlencoded (RFC 6749 §2.3.1).
    """
    if authorization is not None:
        return _read_basic(authorization, encoded=encoded)
    client_id, secret = parameters.get("client_id"), parameters.get("client_secret")
    if client_id is None:
        return None
    method = Method.CERTIFICATE if secret is None else Method.POST
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
    return PresentedCredentials(client_id=client_id, secret=secret, method=Method.BASIC)
