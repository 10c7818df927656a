"""The claims of a token (RFC 7519 §4). They are never verified, and never a reason to refuse a token."""

from typing import Any


def claims(access_token: str) -> dict[str, Any]:
    """Returns the claims of a JWT; an empty dict for any other token."""
    import jwt  # noqa: PLC0415 - takes 50 ms with cryptography, and the claims of most tokens are never read

    try:
        found: dict[str, Any] = jwt.decode(access_token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        return {}
    return found
