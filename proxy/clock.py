"""What time it is: monotonic for durations, wall time for what others wrote down."""

import time
from typing import Protocol


class Clock(Protocol):
    """Both times in seconds."""

    def monotonic(self) -> float:
        """Seconds since some moment; never set back, but may stand still while the machine is suspended."""
        ...

    def wall(self) -> float:
        """Seconds since the epoch (UTC); may jump."""
        ...


class SystemClock:
    """The clocks of the machine."""

    monotonic = staticmethod(time.monotonic)
    wall = staticmethod(time.time)
