"""The admin token that a file holds, and what is wrong with it."""

import re
from pathlib import Path

from proxy.config.credentials import Read

SHORTEST = 16
"Characters of a token: nothing slows down guessing."
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"`b64token` (RFC 6750 §2.1): what the scheme Bearer can carry."


def read_admin_token(path: Path, read: Read) -> str:
    """Returns the token; ValueError names the file, and shows nothing of its content."""
    token = read(path).get_secret_value()
    try:
        check_admin_token(token)
    except ValueError as error:
        raise ValueError(f"the file {path} {error}") from None
    return token


def check_admin_token(token: str) -> None:
    """Raises ValueError for a text that is not a token, or too short."""
    if not _TOKEN.fullmatch(token):
        raise ValueError("is not a valid token; write letters, digits and -._~+/ in one line")
    if len(token) < SHORTEST:
        raise ValueError(f"has fewer than {SHORTEST} characters; write a longer token (openssl rand -hex 32)")
