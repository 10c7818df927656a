"""The states of a sender's connection, and what each event makes of them."""

import pytest

from proxy.server import sender_state as state
from proxy.server.sender_state import SenderState, Table
from tests.cases import cases

EVENTS = {
    name: getattr(state, name)
    for name in (
        "REQUEST",
        "LAST_REQUEST",
        "ANSWER",
        "CLOSE_AFTER",
        "DRAIN",
        "DRAIN_AT_ONCE",
        "ENDED",
        "REFUSED",
        "CLOSE",
        "LOST",
    )
}
LAST = {SenderState.LAST_SERVING, SenderState.LAST_ANSWERING}
OVER = {SenderState.LINGERING, SenderState.CLOSING, SenderState.CLOSED}


@cases(
    "events, states",
    {
        "a request and its answer": ("REQUEST ANSWER ENDED", "SERVING ANSWERING IDLE"),
        "an answer that was not sent": ("REQUEST ENDED", "SERVING IDLE"),
        "the sender's last request": (
            "LAST_REQUEST ANSWER ENDED CLOSE LOST",
            "LAST_SERVING LAST_ANSWERING LINGERING CLOSING CLOSED",
        ),
        "ours": ("REQUEST CLOSE_AFTER ANSWER ENDED", "SERVING LAST_SERVING LAST_ANSWERING LINGERING"),
        "late": ("REQUEST ANSWER CLOSE_AFTER", "SERVING ANSWERING LAST_ANSWERING"),
        "drained idle": ("DRAIN REQUEST ANSWER ENDED", "DRAINING LAST_SERVING LAST_ANSWERING LINGERING"),
        "drained, and the sender closes": ("DRAIN LAST_REQUEST", "DRAINING LAST_SERVING"),
        "drained before the answer": ("REQUEST DRAIN ANSWER", "SERVING LAST_SERVING LAST_ANSWERING"),
        "drained within the answer": (
            "REQUEST ANSWER DRAIN ENDED REQUEST",
            "SERVING ANSWERING DRAINING_ANSWERING DRAINING LAST_SERVING",
        ),
        "drained within an answer that ends the connection": (
            "REQUEST ANSWER DRAIN CLOSE_AFTER",
            "SERVING ANSWERING DRAINING_ANSWERING LAST_ANSWERING",
        ),
        "drained within the answer, then at once": (
            "REQUEST ANSWER DRAIN DRAIN_AT_ONCE",
            "SERVING ANSWERING DRAINING_ANSWERING LAST_ANSWERING",
        ),
        "at once within": ("REQUEST ANSWER DRAIN_AT_ONCE", "SERVING ANSWERING LAST_ANSWERING"),
        "at once before the answer": ("REQUEST DRAIN_AT_ONCE", "SERVING LAST_SERVING"),
        "refused while draining": ("DRAIN_AT_ONCE REFUSED", "DRAINING LINGERING"),
        "refused": ("REFUSED ANSWER CLOSE", "LINGERING LINGERING CLOSING"),
        "reset": ("REQUEST CLOSE ANSWER ENDED LOST", "SERVING CLOSING CLOSING CLOSING CLOSED"),
        "the sender goes": ("REQUEST LOST ANSWER ENDED", "SERVING CLOSED CLOSED CLOSED"),
    },
)
def test_a_connection_lives_like_this(events: str, states: str) -> None:
    """From its beginning."""
    now, seen = SenderState.IDLE, []
    for event in events.split():
        now = EVENTS[event][now]
        seen.append(now.name)
    assert seen == states.split()


@pytest.mark.parametrize("table", EVENTS.values(), ids=EVENTS)
def test_an_event_is_allowed_in_every_state_and_never_goes_back(table: Table) -> None:
    """The last request stays the last."""
    assert set(table) == set(SenderState)
    assert all(table[each] in LAST | OVER for each in LAST)
    assert table[SenderState.LINGERING] in OVER
    assert table[SenderState.CLOSING] in OVER - {SenderState.LINGERING}
    assert table[SenderState.CLOSED] is SenderState.CLOSED
    assert table[SenderState.DRAINING] not in {SenderState.IDLE, SenderState.SERVING, SenderState.ANSWERING}
