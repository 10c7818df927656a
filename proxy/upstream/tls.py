"""Trust and identity towards upstreams."""

import ssl

from proxy.config.model import Tls
from proxy.wire.tls_context import present, verifying_context


def client_context(tls: Tls) -> ssl.SSLContext:
    """Always verifies; with our certificate if there is one. Reads files.

    OSError, which names the file, when it cannot be read or used.
    """
    context = verifying_context(tls.ca_file)
    context.set_alpn_protocols(["http/1.1"])
    if tls.cert_file:
        present(context, tls.cert_file, tls.key_file)
    return context
