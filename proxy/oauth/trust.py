"""Whom a token endpoint's TLS connection trusts, and as whom it presents itself.

Everything here reads files and takes tens of milliseconds: it belongs into a thread.
"""

import os
import ssl
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from proxy.config.material import repair_pem
from proxy.wire.tls import present, verifying_context

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.config.model import OAuthClient


def needs_own_trust(client: "OAuthClient") -> bool:
    """Whether this OAuth client's connections differ from those with the system's trust and no certificate."""
    tls = client.tls
    return any(each is not None for each in (tls.ca_file, tls.cert_file, client.certificate))


def own_trust(client: "OAuthClient") -> ssl.SSLContext:
    """Trust `tls.ca_file` if there is one, and present the certificate of `tls` or of the service key.

    OSError, ssl.SSLError among them, if a file or the key cannot be used.
    """
    context = verifying_context(client.tls.ca_file)
    if client.tls.cert_file is not None:
        present(context, client.tls.cert_file, client.tls.key_file)
    elif client.certificate is not None and client.private_key is not None:
        key, chain = client.private_key.get_secret_value(), client.certificate.get_secret_value()
        with _as_file(repair_pem(key) + repair_pem(chain)) as path:
            present(context, path)
    return context


@contextmanager
def _as_file(pem: str) -> "Iterator[str]":
    """Lend a key the path that OpenSSL wants: in memory where the system can, so also with a read-only disk."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("client-certificate", os.MFD_CLOEXEC)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem.encode())
            file.flush()
            yield f"/proc/self/fd/{descriptor}"
    else:
        with tempfile.NamedTemporaryFile("wb", suffix=".pem") as file:  # created with mode 0600
            file.write(pem.encode())
            file.flush()
            yield file.name
