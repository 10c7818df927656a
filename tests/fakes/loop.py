"""The part of an event loop that deadlines use, with time moved by hand."""

import asyncio
from typing import cast

from proxy.wire.deadlines import Deadlines
from tests.fakes.clock import HandClock


class HandLoop(HandClock):
    """A clock by hand, as an event loop shows it."""

    def time(self) -> float:
        """Seconds of the loop."""
        return self.monotonic()

    def deadlines(self) -> Deadlines:
        """Make deadlines on this clock."""
        return Deadlines(cast("asyncio.AbstractEventLoop", self))
