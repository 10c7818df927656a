"""Follows the secret files of one OAuth client, so that a rotated secret needs no restart.

Looks at them by `stat`, which also sees Kubernetes swap the symlink of a whole volume; reads them only when that
changed, and speaks up only when the content did.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from proxy.config.binding_folder import key_files
from proxy.oauth.credentials import secret_files, with_secrets

if TYPE_CHECKING:
    from proxy.config.model import OAuthClient
    from proxy.oauth.source import Log

EVERY = 5.0
"Seconds between two looks."

Stamp = tuple[tuple[int, int, int], ...]
"Of each file: inode, size and time of change."


class Rotation:
    """Calls `changed` with the new OAuth client, once for each new content of its files."""

    def __init__(
        self,
        client: "OAuthClient",
        *,
        changed: "Callable[[OAuthClient], None]",
        log: "Log",
        resolve: "Callable[[OAuthClient], OAuthClient]" = with_secrets,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """`resolve` reads the files into the client; it runs in a thread and may raise OSError or ValueError."""
        self._client = client
        self._changed, self._log, self._resolve, self._sleep = changed, log, resolve, sleep
        self._paths = secret_files(client)
        self._stamp: Stamp | None = None
        self._content: tuple[bytes, ...] | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to follow the files, if there are any."""
        if self._paths and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._follow())

    async def close(self) -> None:
        """Stop."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _follow(self) -> None:
        while True:
            await self._once()
            await self._sleep(EVERY)

    async def _once(self) -> None:
        """Look, and tell if there is something new; what cannot be read yet is looked at again."""
        try:
            stamp, content = await asyncio.to_thread(self._look, self._stamp, self._content)
            if content != self._content:
                client = await asyncio.to_thread(self._resolve, self._client)
                is_first_look = self._content is None
                if client != self._client or not is_first_look:  # a certificate's file does not show in the client
                    self._changed(client)
                self._client = client
        except (OSError, ValueError) as error:
            # the class and no text: a parser's message may quote what it read
            self._log.warning("secret.unreadable", oauth_client=self._client.name, reason=type(error).__name__)
            return
        self._stamp, self._content = stamp, content

    def _look(self, stamp: Stamp | None, content: tuple[bytes, ...] | None) -> tuple[Stamp, tuple[bytes, ...] | None]:
        """Return stamp and content, read anew only if the stamp differs. Runs in a thread."""
        paths = [file for path in self._paths for file in key_files(path)]
        seen = tuple((s.st_ino, s.st_size, s.st_mtime_ns) for s in map(Path.stat, paths))
        if seen == stamp:
            return seen, content
        return seen, tuple(path.read_bytes().rstrip(b"\r\n") for path in paths)
