"""The part of an event loop that deadlines use, with time moved by hand."""

import asyncio
from collections.abc import Callable, Mapping
from typing import cast

import pytest
import uvloop

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


def both_loops(config: pytest.Config, item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Factories for tests on both event loops, whose transports tell of ended connections differently."""
    del config, item
    return {"asyncio": asyncio.SelectorEventLoop, "uvloop": uvloop.new_event_loop}


class LeapingLoop(asyncio.SelectorEventLoop):
    """An event loop that can stand still, as a stopped process does: timers are due before what came is read."""

    _leapt = 0.0

    def time(self) -> float:
        """Seconds, with those in which it stood still."""
        return super().time() + self._leapt

    def leap(self, seconds: float) -> None:
        """Stand still for so long."""
        self._leapt += seconds


def leaping() -> LeapingLoop:
    """The running event loop, which is one of these."""
    return cast("LeapingLoop", asyncio.get_running_loop())
