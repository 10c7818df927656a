"""Streamed bodies, as tests look at them."""

from typing import NamedTuple

from proxy.forwarding.body import StreamedBody


class State(NamedTuple):
    """What an attempt asks a streamed body."""

    length: int | None
    replayable: bool
    waiting: bool
    broken: bool = False


def state(body: StreamedBody) -> State:
    """Its present state."""
    return State(body.length, body.replayable, body.waiting, body.broken)
