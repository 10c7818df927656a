"""Which messages `outbox retry` and `outbox discard` are about: those named, or all of a route and state."""

import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import click

from proxy.cli.outbox.api import JsonObject, OutboxApi, Refused


class Selection(NamedTuple):
    """The words of the command."""

    ids: Sequence[str]
    route: str | None
    state: str | None
    yes: bool
    "Whether nobody has to be asked."

    @property
    def wanted_state(self) -> str:
        """The state of messages that were not named."""
        return self.state or "dead"

    def check(self) -> None:
        """Raises UsageError unless either messages are named, or what they have in common."""
        if bool(self.ids) == bool(self.route or self.state):
            raise click.UsageError("name one or more messages, or several by --route and --state.")


@dataclass(slots=True)
class Outcome:
    """What became of each message."""

    done: list[JsonObject] = field(default_factory=list)
    failed: list[tuple[str, Refused]] = field(default_factory=list)


async def selected(api: OutboxApi, selection: Selection) -> list[str]:
    """Returns the ids, each once. Raises Refused if there is no such route."""
    if selection.ids:
        return list(dict.fromkeys(selection.ids))
    await api.check_route(selection.route)
    found, _ = await api.messages(route=selection.route, state=selection.wanted_state, limit=None)
    return [each["id"] for each in found]


def confirm(count: int, selection: Selection, verb: str) -> None:
    """Asks before anything is done to messages that were not named. Raises Abort or UsageError."""
    if not count or selection.ids or selection.yes:
        return
    where = f" of route {selection.route}" if selection.route else ""
    messages = f"{count} {selection.wanted_state} messages{where}"
    if not sys.stdin.isatty():
        raise click.UsageError(f"there are {messages}; give --yes to {verb} all of them.")
    click.confirm(f"{verb.capitalize()} {messages}?", abort=True, err=True)


async def each_of(ids: Sequence[str], act: Callable[[str], Awaitable[JsonObject]], *, named: bool) -> Outcome:
    """Does it to each message; one that is not there any more is a failure only if it was `named`."""
    outcome = Outcome()
    for id_ in ids:
        try:
            outcome.done.append(await act(id_))
        except Refused as refused:
            if refused.status not in {404, 409}:
                raise
            if named or refused.status != 404:
                outcome.failed.append((id_, refused))
    return outcome
