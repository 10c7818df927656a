"""What `store` needs: options that fit together, the extra that its database needs, keys that are keys."""

from base64 import b64decode
from collections.abc import Iterator
from importlib.util import find_spec

from proxy.config.credentials import Read, check_file
from proxy.config.problems import Location, Problems
from proxy.config.store import StoreSettings

NEEDED = ("psycopg", "psycopg_pool")
"What the extra `postgres` installs."
KEY_LENGTH = 32


def check_store(store: StoreSettings, read: Read, problems: Problems) -> None:
    """Reports options that do not fit together, and files that cannot be used."""
    for location, text in contradictions(store):
        problems.add(location, text)
    if store.keys_file is not None:
        check_file(("store", "keys_file"), store.keys_file, check_keys, read, problems)
    if store.password_file is not None:
        check_file(("store", "password_file"), store.password_file, str, read, problems)


def contradictions(store: StoreSettings) -> Iterator[tuple[Location, str]]:
    """Yields options that do not fit together, and what the database needs and is missing."""
    if store.postgres is None:
        if store.password_file is not None:
            yield ("store", "password_file"), "has no effect without `postgres`; remove it, or set `postgres`"
        return
    if store.path is not None:
        yield ("store", "path"), "is set as well as `postgres`; remove one of them"
    if store.keys_file is None:
        yield ("store", "keys_file"), "is missing, and `postgres` needs it; make a key with: openssl rand -base64 32"
    if missing := [each for each in NEEDED if find_spec(each) is None]:
        text = f"needs the extra postgres ({missing[0]} is missing): pip install 'cpi-oauth-proxy[postgres]'"
        yield ("store", "postgres"), text


def check_keys(text: str) -> None:
    """Checks the content of a keys file; ValueError names the line and shows nothing of it."""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    for number, line in lines:
        try:
            length = len(b64decode(line, validate=True))
        except ValueError:  # its message could quote the key
            length = 0
        if length != KEY_LENGTH:
            raise ValueError(f"line {number} is not 32 bytes in base64; make a key with: openssl rand -base64 32")
    if not lines:
        raise ValueError("has no key; make one with: openssl rand -base64 32")
