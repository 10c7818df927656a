"""The time: monotonic for durations, wall time for dates that others wrote."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """A source of both times, in seconds."""

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back, but may stop while the machine is suspended."""
        ...

    def wall(self) -> float:
        """Seconds since the epoch (UTC); may jump."""
        ...


class SystemClock:
    """The clocks of this machine."""

    monotonic = staticmethod(time.monotonic)
    wall = staticmethod(time.time)


def rfc3339(wall: float) -> str:
    """Returns a wall time as RFC 3339 writes it, in UTC and whole seconds."""
    return datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
