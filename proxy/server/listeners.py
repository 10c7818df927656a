"""All addresses that senders reach us at, from `start` to `close`; another configuration changes them on the way."""

import socket
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

from proxy.config.file_threads import FileThreads
from proxy.config.model import ListenerSettings as Settings
from proxy.server import sockets
from proxy.server.listener import Listener, Reception


class ListenersChange(NamedTuple):
    """What other settings come to; nothing has changed yet."""

    listeners: list[Listener]
    "In the order of the configuration."
    kept: list[Callable[[Reception], None]]
    opened: list[Listener]
    closed: list[Listener]


class Listeners:
    """The listeners. Reads files when made, so it is made before its event loop runs."""

    def __init__(self, settings: Iterable[Settings], reception: Reception) -> None:
        self.listeners = [Listener(each, reception) for each in settings]

    async def start(self, handed: list[socket.socket], *, reuse_port: bool) -> None:
        """Listens, with what was handed over where that is at its addresses; OSError if one cannot be had.

        FileHangs if a name is not resolved in time. What is bound too late, or after being cancelled, is given up.
        """
        for listener in self.listeners:
            bind = partial(listener.bind, handed, reuse_port=reuse_port)
            with sockets.named("listen", listener.settings.address):
                await FileThreads().run(bind, late=partial(_give_up, listener))
        if handed:
            place = sockets.place_of(handed[0])
            raise OSError(f"`listen` names no {place}, where the service manager's socket listens; write it there")
        for listener in self.listeners:
            await listener.start()

    def prepare(self, settings: Iterable[Settings], reception: Reception, *, reuse_port: bool) -> ListenersChange:
        """Reads files of new listeners and has their addresses; an exception leaves all as it was. Takes its time."""
        change = ListenersChange([], [], [], list(self.listeners))
        try:
            for each in settings:
                listener = next((old for old in change.closed if old.settings.address == each.address), None)
                if listener is not None:
                    change.closed.remove(listener)
                    change.kept.append(listener.prepare(each))
                else:
                    listener = Listener(each, reception)
                    with sockets.named("listen", each.address):
                        listener.bind([], reuse_port=reuse_port)
                    change.opened.append(listener)
                change.listeners.append(listener)
        except BaseException:
            release(change)
            raise
        return change

    def take(self, change: ListenersChange, reception: Reception) -> None:
        """From now on it is so for who is there."""
        self.listeners = change.listeners
        for take in change.kept:
            take(reception)

    async def settle(self, change: ListenersChange) -> None:
        """And for who comes."""
        for listener in change.opened:
            await listener.start()
        for listener in change.closed:
            await listener.stop()
            listener.drain()
            await listener.close()
        for listener in self.listeners:
            await listener.tidy()

    async def stop(self) -> None:
        """Accepts no more; connections that are there go on."""
        for listener in self.listeners:
            await listener.stop()

    async def close(self) -> None:
        """Ends what belongs to the listeners beside connections."""
        for listener in self.listeners:
            await listener.close()


def release(change: ListenersChange) -> None:
    """It will not be: addresses that were had for it are free again."""
    for listener in change.opened:
        listener.release()


def _give_up(listener: Listener, _: None) -> None:
    """It was bound too late."""
    listener.release()
