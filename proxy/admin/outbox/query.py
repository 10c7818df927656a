"""The query of the list of messages."""

from collections.abc import Iterable
from typing import NamedTuple

from proxy.admin.outbox.problems import MalformedQuery
from proxy.outbox.message import MessageState

DEFAULT, MOST = 100, 1000
"Messages in one answer."
NAMES = ("route", "state", "limit", "after")


class MessageQuery(NamedTuple):
    """Which messages are asked for."""

    route: str | None = None
    state: MessageState | None = None
    limit: int = DEFAULT
    after: str | None = None


def parse_query(pairs: Iterable[tuple[str, str]]) -> MessageQuery:
    """Returns what is asked for; an empty value is none. Raises MalformedQuery.

    An unknown name is an error: without its condition the list would have messages that nobody asked for.
    """
    given: dict[str, str] = {}
    for name, value in pairs:
        if name not in NAMES:
            raise MalformedQuery(f"There is no parameter {name[:60]}; the parameters are {', '.join(NAMES)}.")
        if name in given:
            raise MalformedQuery(f"The parameter {name} is given twice.")
        given[name] = value
    return MessageQuery(
        route=given.get("route") or None,
        state=_state(given.get("state", "")),
        limit=_limit(given.get("limit", "")),
        after=given.get("after") or None,
    )


def _state(text: str) -> MessageState | None:
    if text and text not in set(MessageState):
        raise MalformedQuery(f"`state` must be one of {', '.join(MessageState)}.")
    return MessageState(text) if text else None


def _limit(text: str) -> int:
    if not text:
        return DEFAULT
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= MOST):
        raise MalformedQuery(f"`limit` must be a number from 1 to {MOST}.")
    return int(text)
