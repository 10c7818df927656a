"""Trust towards upstreams: contexts that always verify, one for each set of files (they take a megabyte each)."""

import ssl
from functools import cache

from proxy.config.model import Tls


@cache
def client_context(tls: Tls) -> ssl.SSLContext:
    """TLS 1.2 or 1.3 with the system's trust (or `ca_file`), and our certificate if there is one; reads files.

    OSError or ssl.SSLError when a file cannot be read or is no PEM.
    """
    context = ssl.create_default_context(cafile=str(tls.ca_file) if tls.ca_file else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if tls.cert_file:
        context.load_cert_chain(str(tls.cert_file), str(tls.key_file) if tls.key_file else None)
    return context
