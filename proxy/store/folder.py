"""The folder of `store.path`: which one it is, who may read it, and that only one process has it."""

import fcntl
import os
import stat
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from proxy.threads import DaemonThreads

NAME = "cpi-oauth-proxy"
MODE = 0o700
LIMIT = 10.0
"Seconds for a disk to answer."


class FolderInUse(RuntimeError):
    """Another process has the folder; the message says which one."""


def folder_of(path: Path | None, environ: Mapping[str, str]) -> Path:
    """Returns the folder: as configured, else as systemd gives it, else of this user (XDG Base Directory)."""
    if path is not None:
        return path
    first = environ.get("STATE_DIRECTORY", "").split(":")[0]
    if first:
        return Path(first)
    state = Path(environ.get("XDG_STATE_HOME", ""))  # relative ones are to be ignored
    return (state if state.is_absolute() else Path.home() / ".local" / "state") / NAME


class Folder:
    """A folder that this process has for itself, until `close`."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    def __repr__(self) -> str:
        return f"<Folder {self.path}>"

    @staticmethod
    async def open(path: Path, *, admin: str, wait: float = 0.0) -> "Folder":
        """Makes the folder if it is missing, and takes it; waits up to `wait` seconds for another process to end.

        `admin` is told to a process that wants the folder too. Raises FolderInUse, or OSError if it cannot be used.
        """
        threads = DaemonThreads("folder", most=2)
        take = partial(_take, path, admin)
        try:
            return await threads.submit(partial(take, waits=False), timeout=LIMIT, late=Folder.close)
        except FolderInUse:
            if wait <= 0:
                raise
        try:  # a lock cannot be awaited; a thread that gets it too late gives it back
            return await threads.submit(partial(take, waits=True), timeout=wait, late=Folder.close)
        except TimeoutError:
            raise await threads.submit(partial(_in_use, path), timeout=LIMIT) from None

    def close(self) -> None:
        """Leaves the folder to another process."""
        lock, self._lock = self._lock, -1
        if lock >= 0:
            os.close(lock)


def _take(path: Path, admin: str, *, waits: bool) -> Folder:
    """Makes, checks and locks the folder; blocks, also for another process if it `waits`."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check(path)
    lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"process {os.getpid()} (admin address {admin})".encode(), 0)
    except BlockingIOError:
        os.close(lock)
        raise _in_use(path) from None
    except BaseException:
        os.close(lock)
        raise
    return Folder(path, lock)


def _check(path: Path) -> None:
    """Refuses a folder of another user, and takes the rights of others away."""
    status = path.stat()
    if status.st_uid != os.geteuid():
        raise PermissionError(
            f"the folder {path} belongs to user {status.st_uid}, but the proxy runs as user {os.geteuid()}; "
            "change its owner, or name a folder within it as store.path"
        )
    if stat.S_IMODE(status.st_mode) != MODE:
        path.chmod(MODE)


def _in_use(path: Path) -> FolderInUse:
    """Returns the error with what the other process wrote about itself."""
    holder = (path / "lock").read_text(errors="replace") or "another process"
    return FolderInUse(f"the folder {path} is in use by {holder}; stop it, or give each process its own store.path")
