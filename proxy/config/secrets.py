"""Reads the files that hold secrets, keys and certificates."""

import os
from pathlib import Path

from pydantic import SecretStr

from proxy.config.files import MOST_BYTES, FileTooLarge, read_file


class SecretError(ValueError):
    """A secret cannot be read; the sentence says why and shows nothing of it."""


def read_secret(path: Path) -> SecretStr:
    """Returns the content of the file (UTF-8), without one line end at its end; SecretError if unreadable or empty."""
    try:
        content = read_file(path)
    except FileTooLarge as error:
        raise SecretError(str(error)) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a valid path"
        raise SecretError(f"{_unreadable(path)} ({reason}); name one that this user can read") from None
    return as_secret(content, f"the file {path}")


def _unreadable(path: Path) -> str:
    """Says that it cannot be read; names only the folder if there is no such file, as the path may be the secret."""
    if os.path.lexists(path):
        return f"the file {path} cannot be read"
    folder = next((each for each in path.parents if os.path.lexists(each)), path.anchor)
    return f"no file of this name in {folder} can be read"


def as_secret(content: bytes, origin: str) -> SecretStr:
    """Returns the content without one line end at its end: UTF-8, or PEM with comments in any encoding.

    Raises SecretError, which names its origin.
    """
    if len(content) > MOST_BYTES:
        raise SecretError(f"{origin} is larger than 1 MiB; name the right one")
    text = _decoded(content, origin)
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise SecretError(f"{origin} is empty; write its content into it")
    return SecretStr(text)


def _decoded(content: bytes, origin: str) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content[:2]:
        raise SecretError(f"{origin} is UTF-16; write it as UTF-8 (in PowerShell with Out-File -Encoding ascii)")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        if b"-----BEGIN " not in content:
            raise SecretError(
                f"{origin} is not UTF-8; write it as UTF-8, or as PEM if it is a certificate or key"
            ) from None
        return content.decode("latin-1")  # only its blocks count
