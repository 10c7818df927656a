"""Parses Basic credentials (RFC 7617 §2)."""

import binascii
from base64 import b64decode


def user_pass(value: bytes) -> tuple[str, bytes] | None:
    """Returns the name and password of an Authorization value. Returns None for another scheme or an invalid value."""
    scheme, _, encoded = value.partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        name, colon, password = b64decode(encoded.strip(b" "), validate=True).partition(b":")
    except binascii.Error:
        return None
    if not colon or b"\x00" in password:  # RFC 7617 allows no controls, and hashes end at this one
        return None
    return name.decode("utf-8", "surrogateescape"), password
