"""Name and password as they stand in an Authorization field (RFC 7617 §2)."""

import binascii
from base64 import b64decode


def user_pass(value: bytes) -> tuple[str, bytes] | None:
    """Name and password; None where the field's value is of another scheme, or of none."""
    scheme, _, encoded = value.partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        name, colon, password = b64decode(encoded.strip(b" "), validate=True).partition(b":")
    except binascii.Error:
        return None
    if not colon or b"\x00" in password:  # RFC 7617 takes no controls, and hashes end at this one
        return None
    return name.decode("utf-8", "surrogateescape"), password
