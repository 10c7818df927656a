"""The gates of routes with `inbound_auth`: made of their files, which are followed from `start` to `close`."""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from proxy.config.credentials import Read
from proxy.config.file_watcher import FileWatcher, reason_of
from proxy.config.inbound_auth import InboundAuth
from proxy.config.inbound_files import read_keys, read_users
from proxy.config.secrets import read_secret
from proxy.forwarding.auth.api_key import ApiKeyAuthenticator
from proxy.forwarding.auth.basic import BasicAuthenticator
from proxy.forwarding.auth.client_certificate import CertificateAuthenticator
from proxy.forwarding.auth.password_checks import PasswordChecks
from proxy.observe.logger import Logger

if TYPE_CHECKING:
    from proxy.forwarding.request import Request

T = TypeVar("T")


class Authenticator(Protocol):
    """Decides about one kind of credential."""

    async def admit(self, request: "Request", address: str) -> str:
        """The name of the sender at this address, if it has one; a SenderError if it is not let in.

        Runs without a task: it may await plain futures.
        """
        ...


Key = tuple[str, InboundAuth]
"Whose gate it is: the route's name, and what it asks for."
Made = tuple[Authenticator, FileWatcher[Any] | None]
"A gate, and what follows its file."


class Authenticators:
    """Makes gates, and keeps them up to date; one that is asked for again is the same, with all that it remembers."""

    def __init__(self, log: Logger) -> None:
        self._log = log
        self._checks = PasswordChecks()
        self._gates: dict[Key, Made] = {}

    def gate(self, route: str, auth: InboundAuth, added: dict[Key, Made]) -> Authenticator:
        """The gate of a route of that name; a new one is put into `added`, and holds after `adopt`.

        Reads its file: OSError or ValueError if it has gone wrong meanwhile. A reload does so in a thread, which may
        end after the reload was given up; so it changes nothing here.
        """
        key = (route, auth)
        made = self._gates.get(key) or added.get(key)
        if made is None:
            made = added[key] = self._made(route, auth)
        return made[0]

    def adopt(self, added: Mapping[Key, Made]) -> None:
        """Keep these gates up to date too, from the next `start` on."""
        self._gates |= added

    def start(self) -> None:
        """Follow the files."""
        for _, following in self._gates.values():
            if following is not None:
                following.start()

    async def keep(self, wanted: Collection[Key]) -> None:
        """Others are not needed any more."""
        for key in [each for each in self._gates if each not in wanted]:
            _, following = self._gates.pop(key)
            if following is not None:
                await following.close()

    async def close(self) -> None:
        """Follow no more, and end the checks of passwords."""
        await self.keep(())
        await self._checks.close()

    def _made(self, route: str, auth: InboundAuth) -> Made:
        if auth.basic is not None:
            basic = BasicAuthenticator(self._checks)
            return basic, self._taking(route, auth.basic.users_file, read_users, basic.take)
        if auth.api_key is not None:
            api_key = ApiKeyAuthenticator(auth.api_key.field)
            return api_key, self._taking(route, auth.api_key.keys_file, read_keys, api_key.take)
        if auth.client_certificate is not None:
            return CertificateAuthenticator(auth.client_certificate.subjects), None
        raise ValueError("no kind of inbound_auth")

    def _taking(
        self, route: str, path: Path, read: Callable[[Path, Read], T], take: Callable[[T], None]
    ) -> FileWatcher[T]:
        """Gives the gate what stands in the file, now and whenever that changes."""
        reading = partial(read, path, read_secret)
        take(reading())
        return FileWatcher((path,), read=reading, taken=take, unreadable=partial(self._unreadable, route))

    def _unreadable(self, route: str, error: Exception) -> None:
        """What was read before goes on to hold; the sentence shows nothing of the file's content."""
        detail = f"{reason_of(error)}; what stood there before goes on to hold"
        self._log.warning("inbound_auth.unreadable", route=route, detail=detail)
