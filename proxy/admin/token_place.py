"""Where a running proxy keeps the token it made, and where the commands of the same user find it.

Everything here blocks. A folder is opened once and checked as it was opened, so that nobody can exchange it afterwards.
"""

import fcntl
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from proxy.config.admin_token import check_admin_token
from proxy.config.model import Address

PRODUCT = "cpi-oauth-proxy"
SYSTEM = Path("/run", PRODUCT)
"What systemd calls the folder of the unit; commands outside the unit do not have its variables."
TEMPORARY = Path("/tmp")  # noqa: S108 - the folder in it is checked
"Where temporary files are, unless TMPDIR says otherwise."
LARGEST = 4096
"Bytes of a token's file."


class TokenFolder(NamedTuple):
    """A folder for the file."""

    folder: Path
    made: bool = False
    "Whether the proxy creates it."
    shared: bool = False
    "Whether other users can create folders beside it, and so one in its place."


def token_places(environ: Mapping[str, str], store: Path | None = None) -> list[TokenFolder]:
    """Returns the folders in the order in which they are tried; `store` is that of the outboxes, if there is one."""
    places = []
    if runtime := _absolute(environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]):
        places.append(TokenFolder(runtime))
    if user := _absolute(environ.get("XDG_RUNTIME_DIR", "")):
        places.append(TokenFolder(user / PRODUCT, made=True))
    if store is not None:
        places.append(TokenFolder(store, made=True))  # the token is written before the store is opened
    temporary = _absolute(environ.get("TMPDIR", "")) or TEMPORARY
    return [*places, TokenFolder(temporary / f"{PRODUCT}-{os.geteuid()}", made=True, shared=True)]


def token_file_name(address: Address) -> str:
    """Returns the name of the file; a Unix socket has the same one by whatever path it is named."""
    if address.path is None:
        return f"admin-{address}.token"
    return f"admin-unix-{hashlib.sha256(os.path.realpath(address.path).encode()).hexdigest()[:32]}.token"


def write_token(places: list[TokenFolder], name: str, token: str) -> TokenFolder:
    """Writes the file in the first place where that is possible, and returns it. OSError tells why there is none."""
    reasons = []
    for place in places:
        try:
            _write(place, name, token)
        except OSError as error:
            reasons.append(f"{place.folder}: {error.strerror or error}")
        else:
            return place
    raise OSError("; ".join(reasons) or "there is no folder for it")


def remove_token(place: TokenFolder, name: str, token: str) -> None:
    """Removes the file, unless another process has replaced it or removed it."""
    with suppress(FileNotFoundError), _opened(place) as folder:
        fcntl.flock(folder, fcntl.LOCK_EX)  # a process that starts does not write between the look and the removal
        if _read(folder, name) == token:
            os.unlink(name, dir_fd=folder)


def find_tokens(address: Address, environ: Mapping[str, str], store: Path | None = None) -> list[str]:
    """Returns the tokens that this user can read; a process that was killed leaves one behind."""
    name, found = token_file_name(address), []
    for place in dict.fromkeys([*token_places(environ, store), TokenFolder(SYSTEM)]):
        with suppress(OSError, ValueError), _opened(place) as folder:
            token = _read(folder, name)
            check_admin_token(token)
            found.append(token)
    return found


def _write(place: TokenFolder, name: str, token: str) -> None:
    if place.made:
        place.folder.mkdir(mode=0o700, exist_ok=True)
    with _opened(place) as folder:
        fcntl.flock(folder, fcntl.LOCK_EX)
        temporary = f".{secrets.token_hex(8)}.token"
        file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
        try:
            with os.fdopen(file, "wb") as opened:
                os.fchmod(file, 0o600)  # the umask may have taken away more
                opened.write(token.encode())
            os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        except OSError:
            os.unlink(temporary, dir_fd=folder)
            raise


@contextmanager
def _opened(place: TokenFolder) -> Iterator[int]:
    """Opens the folder; OSError if another user could exchange its files."""
    flags = os.O_RDONLY | os.O_DIRECTORY | (os.O_NOFOLLOW if place.shared else 0)
    folder = os.open(place.folder, flags)
    try:
        found = os.fstat(folder)
        if place.shared and found.st_uid != os.geteuid():
            raise PermissionError(0, "belongs to another user")
        if stat.S_IMODE(found.st_mode) & (0o077 if place.shared else 0o022):
            raise PermissionError(0, f"has the mode {stat.S_IMODE(found.st_mode):04o}, so others can use it")
        yield folder
    finally:
        os.close(folder)


def _read(folder: int, name: str) -> str:
    """Returns the token in the file; OSError if it is not a file of this user alone. Root reads that of any user."""
    file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    with os.fdopen(file, "rb") as opened:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode) or stat.S_IMODE(found.st_mode) & 0o077:
            raise PermissionError(0, "is not a file of one user alone")
        if os.geteuid() not in {0, found.st_uid}:
            raise PermissionError(0, "belongs to another user")
        return opened.read(LARGEST).decode("ascii", "replace")


def _absolute(folder: str) -> Path | None:
    """Returns the folder, if it is absolute: others do not count (XDG Base Directory Specification)."""
    return Path(folder) if folder.startswith("/") else None
