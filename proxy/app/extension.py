"""What a room above adds to a running proxy: observers of exchanges, and resources at the admin address."""

from typing import TYPE_CHECKING, Protocol

from proxy.observe.observers import ExchangeObserver
from proxy.observe.recording import BeginRecording

if TYPE_CHECKING:
    from aiohttp import web


class AppExtension(Protocol):
    """Belongs to the process, like the log: a reload does not change it."""

    @property
    def observers(self) -> tuple[ExchangeObserver, ...]:
        """Called after the log when an exchange ends."""
        ...

    @property
    def recorded(self) -> dict[str, BeginRecording]:
        """What records exchanges, by the name of their route; it may change at any time."""
        ...

    def add_to(self, application: "web.Application") -> None:
        """Adds its resources to an admin address on loopback; a reload may open another one."""
        ...

    async def close(self) -> None:
        """Ends its streams when the proxy stops, after the last exchange."""
        ...
