"""What a token says about itself (RFC 7519 §4): an opinion, never verified and never a reason to refuse a token."""

from typing import Any


def claims(access_token: str) -> dict[str, Any]:
    """The claims of a JWT; nothing for any other token."""
    import jwt  # noqa: PLC0415 - with cryptography 50 ms, and most tokens are never looked into

    try:
        found: dict[str, Any] = jwt.decode(access_token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        return {}
    return found
