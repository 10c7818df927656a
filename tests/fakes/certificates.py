"""Well-formed certificates that no reader takes."""

import ssl

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate

_VERSION = bytes.fromhex("a003020102")
"`version [0] EXPLICIT INTEGER`, v3 (RFC 5280 §4.1)."
_P256 = bytes.fromhex("06072a8648ce3d0201")
"The OID id-ecPublicKey (RFC 5480 §2.1.1)."


def other_version(pem: bytes) -> bytes:
    """With a version that does not exist."""
    return _changed(pem, _VERSION, _VERSION[:-1] + b"\x05")


def other_key(pem: bytes) -> bytes:
    """Of a key of an unknown kind."""
    return _changed(pem, _P256, _P256[:-1] + b"\x7f")


def _changed(pem: bytes, found: bytes, changed: bytes) -> bytes:
    der = load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    assert found in der
    return ssl.DER_cert_to_PEM_cert(der.replace(found, changed, 1)).encode()
