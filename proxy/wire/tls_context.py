"""TLS contexts that always verify the server, and functions that load PEM files into any context.

Everything here reads files and takes tens of milliseconds: call it before the event loop runs, or in a thread.
"""

import errno
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from proxy.config.files import FileTooLarge, read_file
from proxy.config.model import Tls
from proxy.config.pem import load_authorities, load_identity, reason_of
from proxy.config.secrets import as_secret

__all__ = [
    "certificate_advice",
    "client_context",
    "file_reason",
    "present",
    "present_key",
    "reason_of",
    "trust",
    "verifying_context",
]

VERIFY_FLAGS = ssl.VERIFY_X509_TRUSTED_FIRST | ssl.VERIFY_X509_PARTIAL_CHAIN
"""The same with every Python, whose defaults differ (3.13 added two).

PARTIAL_CHAIN: what a `ca_file` holds is trusted, an intermediate authority too. VERIFY_X509_STRICT is not set: the
authorities of companies, and of their TLS inspection, often lack extensions that RFC 5280 asks of them. curl, Java and
browsers take them too. Signatures, names, times, purposes, strength and who may issue are always checked.
"""

_TRUSTING = "set `tls.ca_file`, or `ca_file` at the top level (CPI_CA_FILE), to"
_ADVICE = {
    (18,): f"if it is the right server's, {_TRUSTING} this certificate",
    (
        2,
        19,
        20,
        21,
        27,
    ): f"{_TRUSTING} the certificate of its authority; if a proxy in between opens TLS, of that proxy's",
    (9, 10): "it is not valid yet or has expired, check this machine's clock, or have it renewed",
    (62, 63, 64): "it belongs to another host, check the host name in the configuration",
    (26,): "it is meant for something else, have one issued for a server (extended key usage serverAuth)",
    (66, 67, 68): "a key or signature in its chain is too weak, have it reissued (RSA 2048 or P-256, SHA-256)",
    (22, 24, 25, 47, 48, 79): "an authority in its chain may not issue it, have it issued by one that may",
    (7,): "it was changed, or its issuer did not sign it; does a proxy in between open TLS?",
}
"By OpenSSL's number for the reason (X509_V_ERR_…)."


def verifying_context(ca_file: Path | None = None) -> ssl.SSLContext:
    """Returns a context that trusts `ca_file`, else the system (OpenSSL reads SSL_CERT_FILE and SSL_CERT_DIR).

    Raises OSError, which names the file, if it cannot be read or contains no certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # certificate and name are checked
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # some systems' default is older
    if ca_file is None:
        context.verify_flags = VERIFY_FLAGS
        context.load_default_certs()
    else:
        trust(context, ca_file)
    return context


def client_context(tls: Tls) -> ssl.SSLContext:
    """Verifies the server, and presents our certificate if there is one. Reads files.

    OSError, which names the file, if it cannot be read or used.
    """
    context = verifying_context(tls.ca_file)
    context.set_alpn_protocols(["http/1.1"])
    if tls.cert_file:
        present(context, tls.cert_file, tls.key_file)
    return context


def trust(context: ssl.SSLContext, ca_file: Path) -> None:
    """Trusts the authorities in the file. Raises OSError, which names it, if it cannot be read or contains none."""
    context.verify_flags = VERIFY_FLAGS
    with _naming(ca_file):
        load_authorities(context, _text(ca_file))


def present(context: ssl.SSLContext, cert_file: Path, key_file: Path | None = None) -> None:
    """Presents this certificate to the peer. Raises OSError, which names a file, if it or the key cannot be used."""
    with _naming(cert_file):
        certificate = _text(cert_file)
    with _naming(key_file or cert_file):
        load_identity(context, certificate, _text(key_file) if key_file else certificate)


def present_key(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Presents the certificate of a service key. Raises OSError if it cannot be used."""
    with _naming(None):
        load_identity(context, certificate, key)


def file_reason(error: OSError) -> str:
    """Returns which file cannot be used, if any, and why."""
    return ": ".join(str(each) for each in (error.filename, error.strerror) if each) or str(error)


def _text(path: Path) -> str:
    try:
        content = read_file(path)
    except FileTooLarge:
        raise ValueError("it is larger than 1 MiB") from None  # the caller adds the file's name
    return as_secret(content, "it").get_secret_value()


@contextmanager
def _naming(path: Path | None) -> Iterator[None]:
    """Turns an error in a file's content into an OSError that names the file."""
    try:
        yield
    except ValueError as error:
        raise OSError(errno.EINVAL, str(error), *([os.fspath(path)] if path else [])) from None


def certificate_advice(error: ssl.SSLCertVerificationError) -> str:
    """Returns what to do about a certificate that is not accepted."""
    found = (advice for codes, advice in _ADVICE.items() if error.verify_code in codes)
    return next(found, "it breaks a rule for certificates (RFC 5280), have its owner replace it")
