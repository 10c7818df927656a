"""The event stream of the pages (server-sent events): changes in groups, and none that anybody has to wait for.

While a page is open, one timer looks for changes, which are rendered once for all pages, in pieces: a message waits for
one piece at most. A page that does not read its stream loses it, so that a stream needs limited memory.
"""

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, Protocol

from aiohttp import web

from proxy.admin.access import ADMITTED
from proxy.admin.connection import begin_stream
from proxy.console.problems import ApiProblem
from proxy.oauth.waiters import CallLater, TimerHandle

MOST: Final = 16
"Streams."
PAUSE: Final = 0.25
"Seconds between two looks."
QUIET: Final = 15.0
"Seconds without an event before a comment shows that the stream is alive."
MOST_UNREAD: Final = 1 << 20
"Bytes."
HEADERS: Final = {"Content-Type": "text/event-stream; charset=utf-8"}


class Watched(Protocol):
    """What a page shows live."""

    def changed(self) -> Iterator[str] | None:
        """Returns the changes since the last call, as the pieces of one JSON text; None if there are none.

        A piece takes a small part of a millisecond to render. The text has no line ends.
        """
        ...

    def forget(self) -> None:
        """Counts changes from now on."""
        ...


class Stream:
    """What waits for one page."""

    def __init__(self, admitted: Callable[[], bool]) -> None:
        self.admitted = admitted
        "Whether its page may still have it."
        self._waiting = bytearray()
        self._woken = asyncio.Event()
        self.is_open = True

    def push(self, octets: bytes) -> None:
        """Adds an event, or closes the stream if its page does not read."""
        if len(self._waiting) + len(octets) > MOST_UNREAD:
            self.close()
        elif self.is_open:
            self._waiting += octets
            self._woken.set()

    def close(self) -> None:
        """Ends the stream, without what has not been read."""
        self.is_open = False
        self._waiting.clear()
        self._woken.set()

    async def read(self) -> bytes:
        """Waits for events and returns them; empty at the end."""
        await self._woken.wait()
        octets = bytes(self._waiting)
        self._waiting.clear()
        if self.is_open:
            self._woken.clear()
        return octets


class Events:
    """All streams, and the timer that runs while there is one."""

    def __init__(self, watched: dict[str, Watched], *, call_later: CallLater | None = None) -> None:
        """`watched` has, by the name of its event, what to look at."""
        self._watched = watched
        self._call_later = call_later
        self._streams: dict[Stream, Callable[[], object]] = {}
        "With what cuts the connection of each."
        self._timer: TimerHandle | None = None
        self._rendering: asyncio.Task[None] | None = None
        self._quiet = 0

    def __len__(self) -> int:
        return len(self._streams)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answers with a stream, until the page or the proxy ends it."""
        if len(self._streams) >= MOST:
            raise ApiProblem(429, f"There are {MOST} streams already; close a page.")
        response = web.StreamResponse(headers=HEADERS)
        stream = Stream(request[ADMITTED])
        self._streams[stream] = partial(cut, request)
        try:
            begin_stream(request)
            self._begin()
            await response.prepare(request)
            stream.push(b": open\n\n")
            while octets := await stream.read():
                await response.write(octets)
        finally:
            del self._streams[stream]
            if not self._streams:
                self._stop()
        return response

    def close(self) -> None:
        """Ends all streams."""
        for stream in self._streams:
            stream.close()

    def _begin(self) -> None:
        """Starts the timer with the first stream."""
        if self._timer is None:
            for each in self._watched.values():
                each.forget()
            self._schedule()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule(self) -> None:
        later = self._call_later or asyncio.get_running_loop().call_later
        self._timer = later(PAUSE, self._look)

    def _look(self) -> None:
        """Begins to send what has changed to all pages, unless that is still going on."""
        self._schedule()
        if self._rendering is not None and not self._rendering.done():
            return
        found = {name: pieces for name, each in self._watched.items() if (pieces := each.changed()) is not None}
        if found:
            self._rendering = asyncio.ensure_future(self._render(found))
        else:
            self._send(b"")

    async def _render(self, found: dict[str, Iterator[str]]) -> None:
        """Sends so many events; between two pieces of them, messages are served."""
        text = ""
        for name, pieces in found.items():
            text += f"event: {name}\ndata: "
            for piece in pieces:
                text += piece
                await asyncio.sleep(0)
            text += "\n\n"
        self._send(text.encode())

    def _send(self, octets: bytes) -> None:
        """Sends this to all pages that may still have it, or now and then a comment."""
        self._quiet = 0 if octets else self._quiet + 1
        if self._quiet * PAUSE >= QUIET:
            octets, self._quiet = b": quiet\n\n", 0
        for stream, drop in list(self._streams.items()):
            if not stream.admitted():  # its session, or the token, has ended
                stream.close()
            elif octets:
                stream.push(octets)
            if not stream.is_open:
                drop()


def cut(request: web.Request) -> None:
    """Ends the connection of a request at once."""
    if request.transport is not None:
        request.transport.abort()
