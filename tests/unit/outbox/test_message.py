"""Messages as lists show them."""

from proxy.outbox.message import MessageState, MessageSummary, seq_at
from tests.cases import cases


def test_a_position_tells_the_number_again() -> None:
    """The message may have gone."""
    shown = MessageSummary(
        id="m1",
        route="orders",
        state=MessageState.DEAD,
        code="refused",
        attempts=1,
        accepted_at=0.0,
        next_at=None,
        bytes=1,
        seq=12,
    )
    assert (shown.position, seq_at(shown.position)) == ("seq-12", 12)


@cases("text", "", "12", "seq-", "seq-x", "seq--1", "seq-\u0663", "m1", "seq-" + "9" * 19)
def test_anything_else_is_no_position(text: str) -> None:
    """Such as an id, or too large a number."""
    assert seq_at(text) is None
