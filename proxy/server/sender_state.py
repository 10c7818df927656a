"""The state of a sender's connection, and the tables of its transitions.

Theory of operation: a connection has one state. For each event (a request, an answer, a drain) a table says which state
comes next. A state that a table does not list stays as it is, so every event is allowed in every state. Nothing else
sets the state.

              REQUEST            ANSWER
      IDLE ------------> SERVING --------> ANSWERING          ENDED leads back to IDLE
        | DRAIN             | CLOSE_AFTER      | DRAIN
        |                   | DRAIN            +---> DRAINING_ANSWERING   ENDED leads to DRAINING
        v                   v                  v CLOSE_AFTER
    DRAINING ------> LAST_SERVING -----> LAST_ANSWERING
              REQUEST       |     ANSWER       |
        | REFUSED           +------ ENDED -----+
        v                              v
    (IDLE, too) -----------------> LINGERING ---- CLOSE ----> CLOSING ---- LOST ----> CLOSED

LAST_REQUEST (the sender means to close) leads from IDLE, too, to LAST_SERVING. CLOSE and LOST may happen in any state.
How much of a request has been read is the state of `request_parser.py`. Whether the sender reads its answers fast
enough is a flag of its own (`congested`).
"""

from enum import Enum
from typing import Final


class SenderState(Enum):
    """The state of a connection. Compared and looked up by identity, which is several times faster."""

    IDLE = "idle"
    "Between requests, or within the head of one."
    DRAINING = "draining"
    "The same; the next request is the last."
    SERVING = "serving"
    "An exchange is on its way; nothing of its answer has been sent."
    ANSWERING = "answering"
    "Its answer has begun, and says that the connection goes on."
    DRAINING_ANSWERING = "draining, answering"
    "The same; since then the connection drains, so that one more request may come."
    LAST_SERVING = "serving the last"
    "As SERVING, but the connection ends with the answer."
    LAST_ANSWERING = "answering the last"
    "As ANSWERING, but the connection ends with the answer."
    LINGERING = "lingering"
    "The last answer has been sent; what the sender still sends is thrown away (RFC 9112 §9.6)."
    CLOSING = "closing"
    "Closed by us, or reset; an exchange may still be on its way."
    CLOSED = "closed"
    "Gone, whoever ended it; an exchange may still be on its way."

    __hash__ = object.__hash__


IDLE: Final = SenderState.IDLE
DRAINING: Final = SenderState.DRAINING
SERVING: Final = SenderState.SERVING
ANSWERING: Final = SenderState.ANSWERING
DRAINING_ANSWERING: Final = SenderState.DRAINING_ANSWERING
LAST_SERVING: Final = SenderState.LAST_SERVING
LAST_ANSWERING: Final = SenderState.LAST_ANSWERING
LINGERING: Final = SenderState.LINGERING
CLOSING: Final = SenderState.CLOSING
CLOSED: Final = SenderState.CLOSED

Table = dict[SenderState, SenderState]


def _table(changes: Table) -> Table:
    """Returns the next state for each state."""
    return {each: changes.get(each, each) for each in SenderState}


REQUEST: Final = _table({IDLE: SERVING, DRAINING: LAST_SERVING})
"A request has come whose sender means to go on."
LAST_REQUEST: Final = _table({IDLE: LAST_SERVING, DRAINING: LAST_SERVING})
"A request has come whose sender means to close (RFC 9112 §9.3)."
ANSWER: Final = _table({SERVING: ANSWERING, LAST_SERVING: LAST_ANSWERING})
"Octets of a final answer are sent."
CLOSE_AFTER: Final = _table(
    {SERVING: LAST_SERVING, ANSWERING: LAST_ANSWERING, DRAINING_ANSWERING: LAST_ANSWERING},
)
"No request can follow this one: our wish, or its end cannot be told, or its sender has ended its side."
DRAIN: Final = _table({IDLE: DRAINING, SERVING: LAST_SERVING, ANSWERING: DRAINING_ANSWERING})
"One more request at most, of a sender that cannot know that the connection ends."
DRAIN_AT_ONCE: Final = _table(
    {IDLE: DRAINING, SERVING: LAST_SERVING, ANSWERING: LAST_ANSWERING, DRAINING_ANSWERING: LAST_ANSWERING},
)
"No more requests than have begun."
ENDED: Final = _table(
    {
        SERVING: IDLE,
        ANSWERING: IDLE,
        DRAINING_ANSWERING: DRAINING,
        LAST_SERVING: LINGERING,
        LAST_ANSWERING: LINGERING,
    }
)
"The exchange is over."
REFUSED: Final = _table({IDLE: LINGERING, DRAINING: LINGERING})
"What came never became a request."
CLOSE: Final = _table({each: CLOSING for each in SenderState if each is not CLOSED})
"We close the connection, or reset it; or the sender has ended its side and nothing is owed to it."
LOST: Final = _table(dict.fromkeys(SenderState, CLOSED))
"The connection is gone."
