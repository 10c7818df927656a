"""The authenticators of all routes with `inbound_auth`, kept up to date with their files from `start` to `close`."""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from proxy.config.credentials import Read
from proxy.config.file_watcher import FileWatcher, reason_of
from proxy.config.inbound_auth import InboundAuth
from proxy.config.inbound_files import read_keys, read_users
from proxy.config.secrets import read_secret
from proxy.forwarding.auth.api_key import ApiKeyAuthenticator
from proxy.forwarding.auth.basic import BasicAuthenticator
from proxy.forwarding.auth.client_certificate import CertificateAuthenticator
from proxy.forwarding.auth.password_checks import PasswordChecks
from proxy.forwarding.request import Request
from proxy.observe.logger import Logger

ContentT = TypeVar("ContentT")


class Authenticator(Protocol):
    """Checks one kind of credential."""

    async def authenticate(self, request: Request, address: str) -> str:
        """Returns the user's name, or "" if the credential has none. Raises a SenderError if it is refused.

        `address` is the sender's. Runs without a task, so it may await plain futures only.
        """
        ...


class WatchedAuthenticator(NamedTuple):
    """An authenticator, and what keeps it up to date."""

    authenticator: Authenticator
    files: FileWatcher[Any] | None = None
    apply: Callable[[Any], None] | None = None


AuthenticatorKey = tuple[str, InboundAuth]
"The name of a route and its `inbound_auth`."


class Authenticators:
    """Makes authenticators. The same route with the same `inbound_auth` gets the same one, with its cache."""

    def __init__(self, log: Logger) -> None:
        self._log = log
        self._checks = PasswordChecks()
        self._authenticators: dict[AuthenticatorKey, WatchedAuthenticator] = {}

    def authenticator(
        self, route: str, auth: InboundAuth, added: dict[AuthenticatorKey, WatchedAuthenticator]
    ) -> Authenticator:
        """Returns the authenticator of a route. Adds a new one to `added`, which `adopt` makes active.

        Reads its file: raises OSError or ValueError if it is invalid. Changes nothing here, because a reload reads in a
        thread, which may end after the reload was given up.
        """
        key = (route, auth)
        made = self._authenticators.get(key) or added.get(key)
        if made is None:
            made = added[key] = self._made(auth)
        return made.authenticator

    def adopt(self, added: Mapping[AuthenticatorKey, WatchedAuthenticator]) -> None:
        """Makes new authenticators active. The next `start` watches their files."""
        self._authenticators |= added

    def start(self) -> None:
        """Watches the files."""
        for (route, _), each in self._authenticators.items():
            if each.files is not None and each.apply is not None:
                each.files.start(changed=each.apply, rejected=partial(self._unreadable, route))

    async def keep(self, wanted: Collection[AuthenticatorKey]) -> None:
        """Drops all other authenticators."""
        for key in [each for each in self._authenticators if each not in wanted]:
            files = self._authenticators.pop(key).files
            if files is not None:
                await files.close()

    async def close(self) -> None:
        """Stops watching the files and checking passwords."""
        await self.keep(())
        await self._checks.close()

    def _made(self, auth: InboundAuth) -> WatchedAuthenticator:
        if auth.basic is not None:
            basic = BasicAuthenticator(self._checks)
            return _watched(basic, auth.basic.users_file, read_users, basic.update_users)
        if auth.api_key is not None:
            api_key = ApiKeyAuthenticator(auth.api_key.field)
            return _watched(api_key, auth.api_key.keys_file, read_keys, api_key.update_keys)
        if auth.client_certificate is not None:
            return WatchedAuthenticator(CertificateAuthenticator(auth.client_certificate.subjects))
        raise ValueError("no kind of inbound_auth")

    def _unreadable(self, route: str, error: Exception) -> None:
        """Logs why the previous content stays active; the message shows nothing of the file's content."""
        detail = f"{reason_of(error)}; the previous content stays active"
        self._log.warning("inbound_auth.unreadable", route=route, detail=detail)


def _watched(
    authenticator: Authenticator, path: Path, read: Callable[[Path, Read], ContentT], apply: Callable[[ContentT], None]
) -> WatchedAuthenticator:
    """Reads the file, and applies its content to the authenticator."""
    files = FileWatcher((path,), read=partial(read, path, read_secret))
    apply(files.value)
    return WatchedAuthenticator(authenticator, files, apply)
