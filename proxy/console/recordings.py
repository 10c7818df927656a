"""Recordings: fields and bodies of a route's exchanges, for some minutes, in limited memory, without credentials."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Any, Final

from proxy.console.bodies import SHOWN
from proxy.oauth.waiters import CallLater, TimerHandle
from proxy.observe.logger import Logger
from proxy.observe.masking import MASK, is_shown
from proxy.observe.recording import BeginRecording
from proxy.wire.body import Pieces

LONGEST: Final = 15.0
"Minutes of a recording."
MOST_BYTES: Final = 32 << 20
"Of fields and bodies together; above it, the oldest exchanges are dropped."
MOST: Final = 500
"Exchanges that are kept, of all recordings together."
FIELD: Final = 128
"Bytes that a field needs besides its name and value."

RecordedFields = tuple[tuple[str, str], ...]


class RecordedBody:
    """The beginning of a body."""

    def __init__(self) -> None:
        self.size = 0
        self._pieces = Pieces()

    @property
    def octets(self) -> bytes:
        """What was kept."""
        return self._pieces.look()

    @property
    def is_whole(self) -> bool:
        """Whether all that has arrived was kept."""
        return self.size == self._pieces.size

    def add(self, octets: bytes) -> int:
        """Adds a piece as far as there is room. Returns how much of it was kept."""
        self.size += len(octets)
        kept = octets[: SHOWN - self._pieces.size]
        if kept:
            self._pieces.add(kept)
        return len(kept)


class RecordedExchange:
    """What is kept of one exchange; nothing once it was dropped."""

    def __init__(self, store: "Recordings", route: str, fields: RecordedFields) -> None:
        self._store = store
        self.route = route
        self.fields = fields
        self.answer_fields: RecordedFields | None = None
        "None before there is an answer."
        self.body, self.answer = RecordedBody(), RecordedBody()
        self.is_kept = True
        self.bytes = 0

    def request_piece(self, octets: bytes) -> None:
        """Keeps a part of the request's body."""
        if self.is_kept:
            self._store.charge(self, self.body.add(octets))

    def answered(self, head: bytes) -> None:
        """Keeps the fields of the answer."""
        if self.is_kept:
            lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")[1:]
            pairs = (line.partition(":") for line in lines)
            self.answer_fields = masked((name, value.strip(" \t")) for name, _, value in pairs)
            self._store.charge(self, weight(self.answer_fields))

    def answer_piece(self, octets: bytes) -> None:
        """Keeps a part of the answer's body."""
        if self.is_kept:
            self._store.charge(self, self.answer.add(octets))

    def drop(self) -> None:
        """Frees what was kept, because there is no room for it, or the recording has ended."""
        self.is_kept, self.fields, self.answer_fields, self.bytes = False, (), None, 0
        self.body, self.answer = RecordedBody(), RecordedBody()


class Recordings:
    """The routes that are recorded now, and what was kept of them."""

    def __init__(self, *, wall: Callable[[], float] = time.time, call_later: CallLater | None = None) -> None:
        self._wall = wall
        self._call_later = call_later
        self._log: Logger | None = None
        self.by_route: dict[str, BeginRecording] = {}
        "What exchanges look at; empty unless something is recorded."
        self._until: dict[str, float] = {}
        self._timers: dict[str, TimerHandle] = {}
        self._kept: deque[RecordedExchange] = deque()
        self.bytes = 0

    def attach(self, log: Logger) -> None:
        """Sets where starts and ends are logged."""
        self._log = log

    def start(self, route: str, minutes: float) -> None:
        """Records a route for some minutes from now; ValueError if that is too long."""
        if not 0 < minutes <= LONGEST:
            raise ValueError(f"Record for at most {LONGEST:g} minutes.")
        self._cancel(route)
        self.by_route[route] = partial(self._begin, route)
        self._until[route] = self._wall() + minutes * 60
        later = self._call_later or asyncio.get_running_loop().call_later
        self._timers[route] = later(minutes * 60, partial(self.stop, route))
        if self._log is not None:
            self._log.info("recording.started", route=route, minutes=minutes)

    def stop(self, route: str) -> None:
        """Ends a recording, and forgets what was kept; nothing if there is none."""
        if self.by_route.pop(route, None) is None:
            return
        self._cancel(route)
        del self._until[route]
        ended = [each for each in self._kept if each.route == route]
        self._kept = deque(each for each in self._kept if each.route != route)
        for each in ended:
            self._drop(each)
        if self._log is not None:
            self._log.info("recording.stopped", route=route, exchanges=len(ended))

    def close(self) -> None:
        """Ends all recordings."""
        for route in list(self.by_route):
            self.stop(route)

    def documents(self) -> list[dict[str, Any]]:
        """Returns the recorded routes, with the time of their ends."""
        return [{"route": route, "until": until} for route, until in self._until.items()]

    def charge(self, exchange: RecordedExchange, count: int) -> None:
        """Counts bytes that an exchange keeps; drops the oldest exchanges if that is too much."""
        exchange.bytes += count
        self.bytes += count
        while self.bytes > MOST_BYTES:
            self._drop(self._kept.popleft())

    def _begin(self, route: str, fields: list[tuple[bytes, bytes]], secret: AbstractSet[str]) -> RecordedExchange:
        pairs = masked(((name.decode("latin-1"), value.decode("latin-1")) for name, value in fields), secret)
        exchange = RecordedExchange(self, route, pairs)
        self._kept.append(exchange)
        if len(self._kept) > MOST:
            self._drop(self._kept.popleft())
        self.charge(exchange, weight(pairs))
        return exchange

    def _drop(self, exchange: RecordedExchange) -> None:
        self.bytes -= exchange.bytes
        exchange.drop()

    def _cancel(self, route: str) -> None:
        if timer := self._timers.pop(route, None):
            timer.cancel()


def masked(fields: Iterable[tuple[str, str]], secret: AbstractSet[str] = frozenset()) -> RecordedFields:
    """Returns the fields; the values of those that may be credentials are ***."""
    return tuple((name, value if is_shown(name, value, secret) else MASK) for name, value in fields)


def weight(fields: RecordedFields) -> int:
    """Returns about how many bytes the fields need."""
    return sum(len(name) + len(value) + FIELD for name, value in fields)
