"""How long an upstream keeps an idle connection open, by its own word: `Keep-Alive: timeout=N` (RFC 2068 §19.7.1.1)."""

import re

from proxy.wire.deadlines import NEVER
from proxy.wire.grammar import ResponseHead

MARGIN = 1.0
"Seconds before the upstream's own end; a request that is written then still arrives in time."
_TIMEOUT = re.compile(rb"(?i:(?:^|[,; \t])timeout[ \t]*=[ \t]*\"?([0-9]{1,9})(?![0-9]))")


def idle_time(head: ResponseHead) -> float:
    """Seconds for which the connection may be idle and be used again after this answer.

    NEVER if the upstream gives no number; of several the smallest counts. Zero or less if the connection cannot be used
    again.
    """
    if not head.fields.has(b"keep-alive"):
        return NEVER
    values = head.fields.values(b"keep-alive")
    return min((int(each) - MARGIN for value in values for each in _TIMEOUT.findall(value)), default=NEVER)
