"""The secret files of an OAuth client, read into it.

Reads files: call it before the event loop starts, or in a thread.
"""

from typing import TYPE_CHECKING

from proxy.config.secrets import read_secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from proxy.config.model import OAuthClient


def secret_files(client: "OAuthClient") -> "tuple[Path, ...]":
    """Return the files that credentials come from, the certificate's and the service key included."""
    others = (client.tls.cert_file, client.tls.key_file, client.service_key_file)
    return (*(path for _, path in _fields(client)), *(path for path in others if path is not None))


def with_secrets(client: "OAuthClient") -> "OAuthClient":
    """Return the OAuth client with the present content of its secret files.

    SecretError (a ValueError) if one cannot be read or is empty. A service key is not read here: the configuration has
    resolved it.
    """
    return client.model_copy(update={field: read_secret(path) for field, path in _fields(client)})


def _fields(client: "OAuthClient") -> "Iterator[tuple[str, Path]]":
    """Yield which field each file fills."""
    named = {
        "client_secret": client.client_secret_file,
        "client_secret_next": client.client_secret_next_file,
        "private_key": client.private_key_file,
    }
    yield from ((field, path) for field, path in named.items() if path is not None)
