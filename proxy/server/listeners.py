"""All addresses for senders, from `start` to `close`; a reload changes them."""

import socket
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

from proxy.config.file_threads import FileThreads
from proxy.config.model import ListenerSettings as Settings
from proxy.server import sockets
from proxy.server.listener import Listener
from proxy.server.listener_context import ListenerContext


class ListenersChange(NamedTuple):
    """What a reload will change; nothing has changed yet."""

    listeners: list[Listener]
    "In the order of the configuration."
    kept: list[Callable[[ListenerContext], None]]
    "What applies the new settings, for each listener that stays."
    opened: list[Listener]
    closed: list[Listener]


class Listeners:
    """The listeners. The constructor reads files, so call it before the event loop runs."""

    def __init__(self, settings: Iterable[Settings], context: ListenerContext) -> None:
        self.listeners = [Listener(each, context) for each in settings]

    async def start(self, handed: list[socket.socket], *, reuse_port: bool) -> None:
        """Listens, on the handed sockets if they are at its addresses. Raises OSError if an address is not available.

        Raises FileHangs if a name is not resolved in time. What is bound too late, or after cancellation, is closed.
        """
        for listener in self.listeners:
            bind = partial(listener.bind, handed, reuse_port=reuse_port)
            with sockets.named("listen", listener.settings.address):
                await FileThreads().run(bind, late=partial(_release, listener))
        if handed:
            place = sockets.place_of(handed[0])
            raise OSError(f"`listen` does not name {place}, the address of the service manager's socket; add it")
        for listener in self.listeners:
            await listener.start()

    def prepare(self, settings: Iterable[Settings], context: ListenerContext, *, reuse_port: bool) -> ListenersChange:
        """Reads the files of new listeners and binds their addresses; blocks. An exception leaves all as it was."""
        change = ListenersChange([], [], [], list(self.listeners))
        try:
            for each in settings:
                listener = next((old for old in change.closed if old.settings.address == each.address), None)
                if listener is not None:
                    change.closed.remove(listener)
                    change.kept.append(listener.prepare(each))
                else:
                    listener = Listener(each, context)
                    with sockets.named("listen", each.address):
                        listener.bind([], reuse_port=reuse_port)
                    change.opened.append(listener)
                change.listeners.append(listener)
        except BaseException:
            release(change)
            raise
        return change

    def apply(self, change: ListenersChange, context: ListenerContext) -> None:
        """Applies the change to existing connections."""
        self.listeners = change.listeners
        for apply in change.kept:
            apply(context)

    async def finish(self, change: ListenersChange) -> None:
        """Opens the new listeners and closes the removed ones, after `apply`."""
        for listener in change.opened:
            await listener.start()
        for listener in change.closed:
            await listener.stop()
            listener.drain()
            await listener.close()
        for listener in self.listeners:
            await listener.close_outdated()

    async def stop(self) -> None:
        """Stops accepting. Existing connections stay open."""
        for listener in self.listeners:
            await listener.stop()

    async def close(self) -> None:
        """Stops watching files."""
        for listener in self.listeners:
            await listener.close()


def release(change: ListenersChange) -> None:
    """Frees the addresses that were bound for a change that will not be applied."""
    for listener in change.opened:
        listener.release()


def _release(listener: Listener, _: None) -> None:
    listener.release()
