"""How long an upstream keeps an idle connection open, by its own word: `Keep-Alive: timeout=N` (RFC 2068 §19.7.1.1)."""

import re

from proxy.wire.deadlines import NEVER
from proxy.wire.heads import Field, ResponseHead

MARGIN = 1.0
"Seconds before the upstream's own end; a request that is written then still arrives in time."
_TIMEOUT = re.compile(rb"(?i:(?:^|[,; \t])timeout[ \t]*=[ \t]*\"?([0-9]{1,9})(?![0-9]))")


def idle_time(head: ResponseHead) -> float:
    """Seconds for which the connection may be idle and be used again after this answer; noted on the head."""
    known: float | None = head.notes.get(idle_time)
    if known is None:
        known = head.notes[idle_time] = promised(head.fields)
    return known


def promised(fields: tuple[Field, ...]) -> float:
    """The same, of the fields: NEVER where the upstream gives no number; of several the smallest counts.

    Zero or less where the connection cannot be used again.
    """
    values = [value for name, value in fields if len(name) == 10 and name.lower() == b"keep-alive"]
    return min((int(each) - MARGIN for value in values for each in _TIMEOUT.findall(value)), default=NEVER)
