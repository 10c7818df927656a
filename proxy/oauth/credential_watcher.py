"""Follows the files of one OAuth client, so that a rotated secret or another authority needs no restart."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from proxy.config.file_threads import FileHangs, FileThreads
from proxy.config.file_watcher import FileWatcher
from proxy.config.files import FileTooLarge
from proxy.oauth.credentials import followed_files, with_secrets

if TYPE_CHECKING:
    from proxy.config.model import OAuthClient
    from proxy.observe.logger import Logger


class CredentialWatcher:
    """Calls `changed` with the new OAuth client, once for each new content of its files."""

    def __init__(
        self,
        client: "OAuthClient",
        *,
        changed: "Callable[[OAuthClient], None]",
        log: "Logger",
        resolve: "Callable[[OAuthClient], OAuthClient]" = with_secrets,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        threads: FileThreads | None = None,
    ) -> None:
        """`resolve` reads the files into the client; it runs in a thread and may raise OSError or ValueError."""
        self._client = client
        self._changed, self._log, self._resolve = changed, log, resolve
        self._is_first_look = True
        self._following = FileWatcher(
            followed_files(client),
            read=self._read,
            taken=self._taken,
            unreadable=self._unreadable,
            sleep=sleep,
            threads=threads,
        )

    def start(self) -> None:
        """Begin to follow the files, if there are any."""
        self._following.start()

    async def close(self) -> None:
        """Stop."""
        await self._following.close()

    def _read(self) -> "OAuthClient":
        return self._resolve(self._client)

    def _taken(self, client: "OAuthClient") -> None:
        if client != self._client or not self._is_first_look:  # a certificate's file does not show in the client
            self._changed(client)
        self._client, self._is_first_look = client, False

    def _unreadable(self, error: Exception) -> None:
        # of other errors the class and no text: a parser's message may quote what it read
        reason = str(error) if isinstance(error, FileHangs | FileTooLarge) else type(error).__name__
        self._log.warning("secret.unreadable", oauth_client=self._client.name, reason=reason)
