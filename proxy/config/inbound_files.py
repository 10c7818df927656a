"""The files with users or keys of senders, and what is wrong with them or with the option that names them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from proxy.config.checked_text import check_field_value
from proxy.config.credentials import Read
from proxy.config.htpasswd import numbered_lines, parse_users
from proxy.config.inbound_auth import InboundAuth
from proxy.config.problems import Location, Mistake

T = TypeVar("T")


def inbound_auth_findings(auth: InboundAuth | None, location: Location, read: Read) -> Iterator[Mistake]:
    """Yields what is wrong with the option at that location, its file included."""
    if auth is None:
        return
    given = [kind for kind in InboundAuth.model_fields if getattr(auth, kind) is not None]
    if len(given) != 1:
        *some, last = InboundAuth.model_fields
        kinds = f"{', '.join(some)} or {last}"
        yield location, f"names {' and '.join(given) or 'no kind'}; write exactly one of {kinds}"
    if auth.basic:
        yield from _found(
            (*location, "basic", "users_file"), lambda path: read_users(path, read), auth.basic.users_file
        )
    if auth.api_key:
        yield from _found(
            (*location, "api_key", "keys_file"), lambda path: read_keys(path, read), auth.api_key.keys_file
        )


def read_users(path: Path, read: Read) -> dict[str, str]:
    """Returns the hashes by name; ValueError names the file and the line, and shows nothing of it."""
    return _read(path, read, parse_users)


def read_keys(path: Path, read: Read) -> tuple[bytes, ...]:
    """Returns the keys; ValueError names the file and the line, and shows nothing of it."""
    return _read(path, read, parse_keys)


def parse_keys(text: str) -> tuple[bytes, ...]:
    """Returns the keys, one per line; ValueError names the line."""
    lines = numbered_lines(text)
    for number, line in lines:
        try:
            check_field_value(line)
        except ValueError:
            raise ValueError(f"has no valid key in line {number}; use visible ASCII characters") from None
    if not lines:
        raise ValueError("contains no key; write one per line")
    return tuple(line.encode() for _, line in lines)


def _found(location: Location, read: Callable[[Path], object], path: Path) -> Iterator[Mistake]:
    try:
        read(path)
    except ValueError as error:
        yield location, str(error)


def _read(path: Path, read: Read, parse: Callable[[str], T]) -> T:
    text = read(path).get_secret_value()
    try:
        return parse(text)
    except ValueError as error:
        raise ValueError(f"the file {path} {error}") from None
