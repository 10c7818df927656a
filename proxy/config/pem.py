"""Certificates and keys as PEM (RFC 7468): whether they can be used, and whether a key belongs to its certificate.

`check` and `run` both load them here, so that both accept the same. Each function raises a ValueError that says what is
wrong, and shows nothing of the text.
"""

import os
import re
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SHORTEST = 2048
"Bits of an RSA key; OpenSSL's security level 2, which distributions set, refuses shorter ones."
_BEGIN = "-----BEGIN "
_BLOCK = re.compile(_BEGIN + r"([^-\r\n]+)-----((?:[^-]|-(?!----))*)-----END \1-----")
_LINE = re.compile(r".{1,64}")


def repair_pem(text: str) -> str:
    r"""Returns only the blocks, each on lines of its own.

    Line breaks may be the letters `\n` (in service keys, and behind a shell) or missing, also between two blocks.
    Comments are dropped: they can be in any encoding, and OpenSSL misses a block after a byte order mark.
    """
    text = text.replace("\\r", "").replace("\\n", "\n")
    blocks = _BLOCK.findall(text)
    if len(blocks) != text.count(_BEGIN):
        raise ValueError("contains a PEM block without its end; copy all of it")
    return "".join(f"-----BEGIN {label}-----\n{_lines(body)}\n-----END {label}-----\n" for label, body in blocks)


def _lines(body: str) -> str:
    """Returns the lines of a block; fields (RFC 1421 §4.6, of encrypted keys) keep theirs."""
    return body.strip() if ":" in body else "\n".join(_LINE.findall("".join(body.split())))


def load_authorities(context: ssl.SSLContext, text: str) -> None:
    """Makes the context trust the certificates."""
    certificates = _only(text, "CERTIFICATE")
    try:
        context.load_verify_locations(cadata=certificates)
    except (ssl.SSLError, TypeError):  # TypeError: not ASCII
        raise ValueError("contains no readable certificate; use the authority's certificate as PEM") from None


def load_identity(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Makes the context show a certificate, with its chain."""
    try:
        with _as_file(_only(key, "PRIVATE KEY") + _only(certificate, "CERTIFICATE")) as path:
            context.load_cert_chain(path, password=_no_password)
    except ssl.SSLError as error:
        raise ValueError(f"cannot be used for TLS ({reason_of(error)}); name a certificate and its key") from None


def check_authorities(text: str) -> None:
    """Checks certificates to trust."""
    load_authorities(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), text)


def check_certificate(text: str) -> None:
    """Checks a certificate, with its chain."""
    _certificate(text)


def check_identity(certificate: str, key: str) -> None:
    """Checks a certificate and its key."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415 - few need it

    shape = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    mine, certified = _private_key(key).public_key(), _certified_key(certificate)
    if getattr(mine, "curve", None) is None and getattr(mine, "key_size", SHORTEST) < SHORTEST:
        raise ValueError(f"is too short for TLS; make one of {SHORTEST} bits or more")
    if mine.public_bytes(*shape) != certified.public_bytes(*shape):
        raise ValueError("belongs to another certificate; name a matching pair")
    load_identity(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), certificate, key)


def signing_key(text: str) -> tuple[Any, str]:
    """Returns key and algorithm for assertions: RS256 with RSA, ES256 with P-256 (RFC 7518 §3.1)."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa  # noqa: PLC0415 - few OAuth clients sign

    match _private_key(text):
        case rsa.RSAPrivateKey() as key:
            return key, "RS256"
        case ec.EllipticCurvePrivateKey(curve=ec.SECP256R1()) as key:
            return key, "ES256"
        case _:
            raise ValueError("contains a key of another kind; use RSA or P-256")


def reason_of(error: ssl.SSLError) -> str:
    """Returns OpenSSL's reason, which contains no text of the peer."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message.rstrip(".")
    return (getattr(error, "reason", None) or "TLS error").lower().replace("_", " ")  # set by OpenSSL only


def _only(text: str, label: str) -> str:
    """Returns the blocks of a kind: `X509 CERTIFICATE` is a certificate, `EC PRIVATE KEY` a private key."""
    blocks = [f"{block[0]}\n" for block in _BLOCK.finditer(repair_pem(text)) if block[1].endswith(label)]
    if not blocks:
        raise ValueError(f"contains no readable {label.lower()}; use PEM")
    return "".join(blocks)


def _private_key(text: str) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    pem = _only(text, "PRIVATE KEY").encode()
    try:
        return load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("contains no readable private key; use PEM without a password") from None


def _certificate(text: str) -> Any:
    from cryptography.x509 import InvalidVersion, load_pem_x509_certificates  # noqa: PLC0415 - few need it

    pem = _only(text, "CERTIFICATE").encode()
    try:
        return load_pem_x509_certificates(pem)[0]
    except (ValueError, InvalidVersion):
        raise ValueError("contains no readable certificate; use PEM") from None


def _certified_key(text: str) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - as above

    try:
        return _certificate(text).public_key()
    except UnsupportedAlgorithm:
        raise ValueError("contains the certificate of a key of another kind; use RSA or P-256") from None


@contextmanager
def _as_file(pem: str) -> Iterator[str]:
    """Lends a key the path that OpenSSL needs: in memory if possible, so that a read-only disk is no obstacle."""
    if hasattr(os, "memfd_create") and os.access("/proc/self/fd", os.X_OK):
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


def _no_password() -> str:
    """Answers OpenSSL, which would otherwise ask on the terminal for the password of an encrypted key."""
    return ""
