"""The gates of routes with `inbound_auth`: made of their files, which are followed from `start` to `close`."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from proxy.config.credentials import Read
from proxy.config.following import Following
from proxy.config.inbound_auth import InboundAuth
from proxy.config.inbound_files import read_keys, read_users
from proxy.config.secrets import read_secret
from proxy.forwarding.api_key import ApiKeyGate
from proxy.forwarding.basic import BasicGate
from proxy.forwarding.checks import Checks
from proxy.forwarding.client_certificate import CertificateGate
from proxy.observe.logs import Logger

if TYPE_CHECKING:
    from proxy.forwarding.request import Request

T = TypeVar("T")


class Gate(Protocol):
    """Decides about one kind of credential."""

    async def admit(self, request: "Request", address: str) -> str:
        """The name of the sender at this address, if it has one; a SenderError if it is not let in.

        Runs without a task: it may await plain futures.
        """
        ...


class Gates:
    """Makes gates, and keeps them up to date."""

    def __init__(self, log: Logger) -> None:
        self._log = log
        self._checks = Checks()
        self._followings: list[Following[Any]] = []

    def gate(self, route: str, auth: InboundAuth) -> Gate:
        """The gate of a route of that name. Reads its file: OSError or ValueError if it has gone wrong meanwhile."""
        if auth.basic is not None:
            basic = BasicGate(self._checks)
            self._keep(route, auth.basic.users_file, read_users, basic.take)
            return basic
        if auth.api_key is not None:
            api_key = ApiKeyGate(auth.api_key.field)
            self._keep(route, auth.api_key.keys_file, read_keys, api_key.take)
            return api_key
        if auth.client_certificate is not None:
            return CertificateGate(auth.client_certificate.subjects)
        raise ValueError("no kind of inbound_auth")

    def start(self) -> None:
        """Follow the files."""
        for following in self._followings:
            following.start()

    async def close(self) -> None:
        """Follow no more, and end the checks of passwords."""
        for following in self._followings:
            await following.close()
        await self._checks.close()

    def _keep(self, route: str, path: Path, read: Callable[[Path, Read], T], take: Callable[[T], None]) -> None:
        """Gives the gate what stands in the file, now and whenever that changes."""
        reading = partial(read, path, read_secret)
        take(reading())
        unreadable = partial(self._unreadable, route)
        self._followings.append(Following((path,), read=reading, taken=take, unreadable=unreadable))

    def _unreadable(self, route: str, error: Exception) -> None:
        """What was read before goes on to hold; the sentence shows nothing of the file's content."""
        self._log.warning("inbound_auth.unreadable", route=route, detail=str(error))
