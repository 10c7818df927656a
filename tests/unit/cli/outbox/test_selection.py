"""Which messages are meant, and what becomes of each."""

from types import SimpleNamespace
from typing import Any

import click
import pytest
from click.testing import CliRunner

from proxy.cli.outbox import selection as module
from proxy.cli.outbox.api import Refused
from proxy.cli.outbox.selection import Selection, confirm, each_of, selected
from tests.cases import cases

MANY = Selection((), "orders", None, yes=False)


@click.command()
def asked() -> None:
    """Asks about two messages."""
    confirm(2, MANY, "discard")
    click.echo("done")


@cases("typed, status, told", ("y\n", 0, "done"), ("n\n", 1, "Aborted!"), ("", 1, "Aborted!"))
def test_a_person_is_asked(monkeypatch: pytest.MonkeyPatch, typed: str, status: int, told: str) -> None:
    """Whatever is not yes ends the command."""
    terminal = SimpleNamespace(isatty=lambda: True)
    monkeypatch.setattr(module, "sys", SimpleNamespace(stdin=terminal))
    ended = CliRunner().invoke(asked, input=typed)
    assert ended.exit_code == status
    assert "Discard 2 dead messages of route orders? [y/N]:" in ended.stderr
    assert told in ended.output


@cases("count, selection", (0, MANY), (2, MANY._replace(yes=True)), (2, Selection(("m1", "m2"), None, None, yes=False)))
def test_nobody_is_asked_about_nothing(count: int, selection: Selection) -> None:
    """Nor about messages that were named, nor with --yes."""
    confirm(count, selection, "discard")


def test_without_a_terminal_nothing_is_done() -> None:
    """The usage says what to give."""
    ended = CliRunner().invoke(asked)
    assert ended.exit_code == 2
    assert "give --yes to discard all of them" in ended.stderr


async def test_a_message_that_is_named_twice_is_one() -> None:
    """In the order in which they were named."""
    api: Any = None
    assert await selected(api, Selection(("b", "a", "b"), None, None, yes=False)) == ["b", "a"]


@cases("named, failed", (True, ["gone", "busy"]), (False, ["busy"]))
async def test_one_that_is_gone_is_a_failure_if_it_was_named(*, named: bool, failed: list[str]) -> None:
    """Others are delivered meanwhile."""

    async def act(id_: str) -> dict[str, Any]:
        if id_ != "there":
            raise Refused({"gone": 404, "busy": 409}[id_], "code", "detail")
        return {"id": id_}

    outcome = await each_of(["gone", "there", "busy"], act, named=named)
    assert outcome.done == [{"id": "there"}]
    assert [id_ for id_, _ in outcome.failed] == failed


async def test_a_store_that_fails_ends_it() -> None:
    """It would fail for each of the others too."""

    async def act(_: str) -> dict[str, Any]:
        raise Refused(503, "outbox_unavailable", "detail")

    with pytest.raises(Refused):
        await each_of(["a", "b"], act, named=True)
