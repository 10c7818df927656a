"""Watches the files of one OAuth client, so that a rotated secret or another authority needs no restart."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from proxy.config.file_threads import FileHangs, FileThreads
from proxy.config.file_watcher import FileWatcher
from proxy.config.files import FileTooLarge
from proxy.oauth.credentials import followed_files, with_secrets

if TYPE_CHECKING:
    from proxy.config.model import OAuthClient
    from proxy.observe.logger import Logger


class CredentialWatcher:
    """An OAuth client with its secrets as its files have them; reads these at construction, as `with_secrets`."""

    def __init__(
        self,
        client: "OAuthClient",
        *,
        log: "Logger",
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        threads: FileThreads | None = None,
    ) -> None:
        self._name, self._log = client.name, log
        read = partial(with_secrets, client)
        self._files = FileWatcher(followed_files(client), read=read, sleep=sleep, threads=threads)

    @property
    def client(self) -> "OAuthClient":
        """The client with the last valid secrets."""
        return self._files.value

    def start(self, changed: "Callable[[OAuthClient], None]") -> None:
        """Calls `changed` with the client for each new content of its files; ValueError rejects the content."""
        self._files.start(changed=changed, rejected=self._rejected)

    async def close(self) -> None:
        """Stops watching."""
        await self._files.close()

    def _rejected(self, error: Exception) -> None:
        # only the class of other errors: a parser's message may quote what it read
        reason = str(error) if isinstance(error, FileHangs | FileTooLarge) else type(error).__name__
        self._log.warning("secret.unreadable", oauth_client=self._name, reason=reason)
