"""The query of the list of messages."""

from collections.abc import Iterable
from typing import NamedTuple

from proxy.admin.outbox.problems import MalformedQuery
from proxy.outbox.message import MessageState, seq_at
from proxy.outbox.message_ids import is_message_id

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
        route=_route(given.get("route", "")),
        state=_state(given.get("state", "")),
        limit=_limit(given.get("limit", "")),
        after=_after(given.get("after", "")),
    )


def _route(text: str) -> str | None:
    """Any other name may be that of a route that has gone."""
    if not text.isprintable():
        raise MalformedQuery("`route` must be the name of a route.")
    return text or None


def _after(text: str) -> str | None:
    """The message may be gone meanwhile, but its id still has a place among the others."""
    if text and not is_message_id(text) and seq_at(text) is None:
        raise MalformedQuery("`after` must be the `next` of the page before, or a message's id.")
    return text or None


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
