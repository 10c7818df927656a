"""The admin token of a running proxy: from a file of the configuration, or made at each start."""

import secrets
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

from proxy.admin.access import AdminAccess
from proxy.admin.token_place import TokenFolder, remove_token, token_file_name, token_places, write_token
from proxy.config.admin_token import read_admin_token
from proxy.config.file_threads import FileThreads
from proxy.config.file_watcher import FileWatcher, reason_of
from proxy.config.model import Address, Admin
from proxy.config.secrets import read_secret
from proxy.observe.logger import Logger


class AdminToken(Protocol):
    """What gives an admin address its token."""

    async def start(self, access: AdminAccess, address: Address) -> None:
        """Gives the token of this address to `access`, and each later one."""
        ...

    async def close(self) -> None:
        """Stops watching, and removes what `start` has written."""
        ...


def admin_token(settings: Admin, environ: Mapping[str, str], log: Logger, *, store: Path | None = None) -> AdminToken:
    """Returns the token of the configured address. Reads the file, if one is named: OSError or ValueError.

    `store` is the folder of the outboxes, if there is one.
    """
    if settings.token_file is not None:
        return ConfiguredToken(settings.token_file, log)
    return GeneratedToken(token_places(environ, store), log)


class ConfiguredToken:
    """The token in a file, which is read again when it changes."""

    def __init__(self, path: Path, log: Logger) -> None:
        self._files = FileWatcher((path,), read=partial(read_admin_token, path, read_secret))
        self._log = log

    async def start(self, access: AdminAccess, address: Address) -> None:
        """Watches the file."""
        del address
        access.update(self._files.value)
        self._files.start(changed=access.update, rejected=self._rejected)

    async def close(self) -> None:
        """Stops watching."""
        await self._files.close()

    def _rejected(self, error: Exception) -> None:
        """Logs why the previous token stays valid; the message shows nothing of the file's content."""
        self._log.warning("admin_token.unreadable", detail=f"{reason_of(error)}; the previous token stays valid")


class GeneratedToken:
    """A random token, in a file that only this user can read."""

    def __init__(self, places: list[TokenFolder], log: Logger, *, threads: FileThreads | None = None) -> None:
        self._places, self._log = places, log
        self._threads = threads or FileThreads()
        self._token = secrets.token_urlsafe(32)
        self._place: TokenFolder | None = None
        self._name = ""

    async def start(self, access: AdminAccess, address: Address) -> None:
        """Writes the file; if that is not possible, nobody is admitted."""
        try:
            self._place = await self._threads.run(partial(self._write, address), late=self._keep)
        except OSError as error:
            access.deny(f"its file cannot be written ({error})")
            detail = f"There is no console: {error}. Set `admin: {{token_file: …}}`, or XDG_RUNTIME_DIR."
            self._log.warning("admin_token.unwritable", detail=detail)
        else:
            access.update(self._token)

    async def close(self) -> None:
        """Removes the file, if it is still this one."""
        place, self._place = self._place, None
        if place is not None:
            try:
                await self._threads.run(partial(remove_token, place, self._name, self._token))
            except OSError as error:
                self._log.warning("admin_token.unwritable", detail=f"Its file cannot be removed: {error}")

    def _write(self, address: Address) -> TokenFolder:
        self._name = token_file_name(address)
        return write_token(self._places, self._name, self._token)

    def _keep(self, place: TokenFolder) -> None:
        """Lets `close` remove what was written when nobody waited for it any more."""
        self._place = place
