"""The credentials of an OAuth client that are in files.

Reading them blocks: do it before the event loop starts, or in a thread.
"""

from typing import TYPE_CHECKING, Any

from proxy.config.binding_folder import read_service_key
from proxy.config.model import AuthMethod
from proxy.config.secrets import read_secret
from proxy.config.service_key import parse_service_key
from proxy.config.urls import without_grant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from proxy.config.model import OAuthClient


def followed_files(client: "OAuthClient") -> "tuple[Path, ...]":
    """Returns the files of the credentials, including the service key or its folder, and of the trusted authorities."""
    others = (client.tls.cert_file, client.tls.key_file, client.service_key_file, client.tls.ca_file)
    return (*(path for _, path in _fields(client)), *(path for path in others if path is not None))


def with_secrets(client: "OAuthClient") -> "OAuthClient":
    """Returns the OAuth client with the present content of its secret files and of its service key.

    ValueError if one cannot be read, is empty, or is not a service key; the text shows nothing of the content.
    """
    update: dict[str, Any] = {field: read_secret(path) for field, path in _fields(client)}
    if client.service_key_file is not None:
        update |= _from_service_key(client, client.service_key_file)
    return client.model_copy(update=update)


def _from_service_key(client: "OAuthClient", path: "Path") -> dict[str, Any]:
    """Returns what a service key sets; a key with a certificate may replace one with a secret, and the reverse."""
    key = parse_service_key(read_service_key(path, read_secret).get_secret_value())
    token_url, _ = without_grant(key.token_url)
    method = client.token_endpoint_auth_method
    if key.certificate is not None and client.certificate is None and method.needs_secret:
        method = AuthMethod.TLS_CLIENT_AUTH
    elif key.client_secret is not None and client.certificate is not None:
        method = AuthMethod.CLIENT_SECRET_POST
    by_certificate = method is AuthMethod.TLS_CLIENT_AUTH and key.private_key is not None
    return {
        "client_id": key.client_id,
        "token_url": token_url,
        "token_endpoint_auth_method": method,
        "client_secret": key.client_secret,
        "certificate": key.certificate if by_certificate else None,
        "private_key": key.private_key if by_certificate else client.private_key,
    }


def _fields(client: "OAuthClient") -> "Iterator[tuple[str, Path]]":
    """Yields the name of each field that a file sets, and the file."""
    named = {
        "client_secret": client.client_secret_file,
        "client_secret_next": client.client_secret_next_file,
        "private_key": client.private_key_file,
    }
    yield from ((field, path) for field, path in named.items() if path is not None)
