"""The TLS context of connections to a token endpoint: the authorities that it trusts, the certificate that it presents.

Making one reads files and takes tens of milliseconds, so it is done in a thread.
"""

import ssl
from typing import TYPE_CHECKING

from proxy.wire.tls_context import present, present_key, verifying_context

if TYPE_CHECKING:
    from proxy.config.model import OAuthClient


def needs_own_trust(client: "OAuthClient") -> bool:
    """Returns whether the OAuth client needs a context of its own: an authority or a certificate is configured."""
    tls = client.tls
    return any(each is not None for each in (tls.ca_file, tls.cert_file, client.certificate))


def own_trust(client: "OAuthClient") -> ssl.SSLContext:
    """Returns a context that trusts `tls.ca_file`, if set, and presents the certificate of `tls` or the service key.

    OSError names the file that cannot be used.
    """
    context = verifying_context(client.tls.ca_file)
    if client.tls.cert_file is not None:
        present(context, client.tls.cert_file, client.tls.key_file)
    elif client.certificate is not None and client.private_key is not None:
        present_key(context, client.certificate.get_secret_value(), client.private_key.get_secret_value())
    return context
