"""The gates of routes with `inbound_auth`: made of their files, which are followed from `start` to `close`."""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

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


class Watched(NamedTuple):
    """An authenticator, and what keeps it up to date."""

    authenticator: Authenticator
    files: FileWatcher[Any] | None = None
    apply: Callable[[Any], None] | None = None


Key = tuple[str, InboundAuth]
"Whose gate it is: the route's name, and what it asks for."


class Authenticators:
    """Makes gates, and keeps them up to date; one that is asked for again is the same, with all that it remembers."""

    def __init__(self, log: Logger) -> None:
        self._log = log
        self._checks = PasswordChecks()
        self._gates: dict[Key, Watched] = {}

    def gate(self, route: str, auth: InboundAuth, added: dict[Key, Watched]) -> Authenticator:
        """The gate of a route of that name; a new one is put into `added`, and holds after `adopt`.

        Reads its file: OSError or ValueError if it has gone wrong meanwhile. A reload does so in a thread, which may
        end after the reload was given up; so it changes nothing here.
        """
        key = (route, auth)
        made = self._gates.get(key) or added.get(key)
        if made is None:
            made = added[key] = self._made(auth)
        return made.authenticator

    def adopt(self, added: Mapping[Key, Watched]) -> None:
        """Keep these gates up to date too, from the next `start` on."""
        self._gates |= added

    def start(self) -> None:
        """Follow the files."""
        for (route, _), each in self._gates.items():
            if each.files is not None and each.apply is not None:
                each.files.start(changed=each.apply, rejected=partial(self._unreadable, route))

    async def keep(self, wanted: Collection[Key]) -> None:
        """Others are not needed any more."""
        for key in [each for each in self._gates if each not in wanted]:
            files = self._gates.pop(key).files
            if files is not None:
                await files.close()

    async def close(self) -> None:
        """Follow no more, and end the checks of passwords."""
        await self.keep(())
        await self._checks.close()

    def _made(self, auth: InboundAuth) -> Watched:
        if auth.basic is not None:
            basic = BasicAuthenticator(self._checks)
            return _watched(basic, auth.basic.users_file, read_users, basic.take)
        if auth.api_key is not None:
            api_key = ApiKeyAuthenticator(auth.api_key.field)
            return _watched(api_key, auth.api_key.keys_file, read_keys, api_key.take)
        if auth.client_certificate is not None:
            return Watched(CertificateAuthenticator(auth.client_certificate.subjects))
        raise ValueError("no kind of inbound_auth")

    def _unreadable(self, route: str, error: Exception) -> None:
        """Logs why the previous content stays active; the message shows nothing of the file's content."""
        detail = f"{reason_of(error)}; the previous content stays active"
        self._log.warning("inbound_auth.unreadable", route=route, detail=detail)


def _watched(
    authenticator: Authenticator, path: Path, read: Callable[[Path, Read], T], apply: Callable[[T], None]
) -> Watched:
    """Reads the file, and applies its content to the authenticator."""
    files = FileWatcher((path,), read=partial(read, path, read_secret))
    apply(files.value)
    return Watched(authenticator, files, apply)
