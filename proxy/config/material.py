"""Certificates and keys: whether what stands in a file can be used, and whether a key belongs to its certificate.

Each check says in a ValueError what is wrong, and shows nothing of the text.
"""

import ssl
from typing import Any

SHORTEST = 2048
"Bits of an RSA key; OpenSSL's second level of security, which distributions set, takes none below."


def repair_pem(text: str) -> str:
    r"""PEM with its line breaks back, which in service keys, and behind a shell, may be the letters `\n`."""
    return text.replace("\\r", "").replace("\\n", "\n").strip() + "\n"


def check_authorities(text: str) -> None:
    """Certificates to trust (PEM, RFC 7468)."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError):
        raise ValueError("holds no certificate that can be read, take that of the authority as PEM") from None


def check_certificate(text: str) -> None:
    """A certificate, with its chain."""
    _certificate(text)


def check_identity(certificate: str, key: str) -> None:
    """A certificate and the key to it."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415 - few need it

    shape = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    mine, certified = _private_key(key).public_key(), _certificate(certificate).public_key()
    if getattr(mine, "curve", None) is None and getattr(mine, "key_size", SHORTEST) < SHORTEST:
        raise ValueError(f"is shorter than TLS takes, make one of {SHORTEST} bits or more")
    if mine.public_bytes(*shape) != certified.public_bytes(*shape):
        raise ValueError("belongs to another certificate, name the pair that belongs together")


def signing_key(text: str) -> tuple[Any, str]:
    """(key, algorithm) for assertions: RS256 with RSA, ES256 with P-256 (RFC 7518 §3.1)."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa  # noqa: PLC0415 - few OAuth clients sign

    match _private_key(text):
        case rsa.RSAPrivateKey() as key:
            return key, "RS256"
        case ec.EllipticCurvePrivateKey(curve=ec.SECP256R1()) as key:
            return key, "ES256"
        case _:
            raise ValueError("holds a key of another kind, take one for RSA or P-256")


def _private_key(text: str) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        return load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("holds no private key that can be read, take it as PEM without a password") from None


def _certificate(text: str) -> Any:
    from cryptography.x509 import load_pem_x509_certificates  # noqa: PLC0415 - few need it

    try:
        return load_pem_x509_certificates(text.encode())[0]
    except ValueError:
        raise ValueError("holds no certificate that can be read, take it as PEM") from None
