"""Whom a token endpoint's TLS connection trusts, and as whom it presents itself.

Everything here reads files and takes tens of milliseconds: it belongs into a thread.
"""

import ssl
from typing import TYPE_CHECKING

from proxy.wire.tls_context import present, present_key, verifying_context

if TYPE_CHECKING:
    from proxy.config.model import OAuthClient


def needs_own_trust(client: "OAuthClient") -> bool:
    """Whether this OAuth client's connections differ from those with the system's trust and no certificate."""
    tls = client.tls
    return any(each is not None for each in (tls.ca_file, tls.cert_file, client.certificate))


def own_trust(client: "OAuthClient") -> ssl.SSLContext:
    """Trust `tls.ca_file` if there is one, and present the certificate of `tls` or of the service key.

    OSError, which names the file, if one or the service key cannot be used.
    """
    context = verifying_context(client.tls.ca_file)
    if client.tls.cert_file is not None:
        present(context, client.tls.cert_file, client.tls.key_file)
    elif client.certificate is not None and client.private_key is not None:
        present_key(context, client.certificate.get_secret_value(), client.private_key.get_secret_value())
    return context
