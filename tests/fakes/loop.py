"""The clock of an event loop, moved by hand."""

import asyncio
from collections.abc import Callable, Mapping
from typing import cast

import pytest
import uvloop

from proxy.wire.deadlines import Deadlines
from tests.fakes.clock import HandClock


class HandLoop(HandClock):
    """What deadlines need of a loop."""

    def time(self) -> float:
        return self.monotonic()

    def deadlines(self) -> Deadlines:
        return Deadlines(cast("asyncio.AbstractEventLoop", self))


def both_loops(config: pytest.Config, item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Their transports tell of ended connections differently."""
    del config, item
    return {"asyncio": asyncio.SelectorEventLoop, "uvloop": uvloop.new_event_loop}


class LeapingLoop(asyncio.SelectorEventLoop):
    """Can stand still, as a stopped process: timers are due before what came is read."""

    _leapt = 0.0

    def time(self) -> float:
        """With those in which it stood still."""
        return super().time() + self._leapt

    def leap(self, seconds: float) -> None:
        self._leapt += seconds


def leaping() -> LeapingLoop:
    """The running loop."""
    return cast("LeapingLoop", asyncio.get_running_loop())
