"""The commands of `outbox`. Each asks the running proxy, and ends with 1 if the proxy refuses."""

import json
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console

from proxy.cli.columns import counted, tell
from proxy.cli.configuration import config_option, read
from proxy.cli.examples import epilog
from proxy.cli.loops import run
from proxy.cli.outbox.api import JsonObject, OutboxApi, Refused, outbox_api
from proxy.cli.outbox.export import export_body, export_message
from proxy.cli.outbox.selection import Selection, confirm, each_of, selected
from proxy.cli.outbox.tables import facts, history_table, message_table, route_table
from proxy.cli.running_proxy import Unreachable
from proxy.observe.log_format import printable

T = TypeVar("T")

SHOWN = 50
"Messages of `list`, unless it is asked for more."
COLUMNS = 80
STATES = click.Choice(["waiting", "delivering", "dead"])
NOTHING = "No route has an outbox, and no messages are kept."

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
route_option = click.option("--route", metavar="ROUTE", help="Only messages of this route.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
state_option = click.option(
    "--state", type=click.Choice(["waiting", "dead"]), help="Only messages in this state; dead by default."
)
ids_argument = click.argument("ids", metavar="[ID]...", nargs=-1)


class _OutboxCommands(click.Group):
    """`outbox` alone is `outbox list`. The commands of the group have examples too."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Puts `list` in front of its options."""
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Adds a command with its examples."""
        cmd.epilog = epilog(f"outbox {name or cmd.name}")
        super().add_command(cmd, name)


@click.group(cls=_OutboxCommands)
def command() -> None:
    """Show the messages kept for later, and decide about them.

    Without a command, this is `outbox list`. The running proxy is found by the admin address in the configuration.
    """


@command.command("list")
@route_option
@click.option("--state", type=STATES, help="Only messages in this state.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=SHOWN, show_default=True, help="Maximum number of messages to show."
)
@json_option
@config_option
def list_command(*, route: str | None, state: str | None, limit: int, as_json: bool, file: Path | None) -> None:
    """Show the outboxes and their messages.

    Messages are in the order in which they were accepted.
    """

    async def found(api: OutboxApi) -> tuple[list[JsonObject], list[JsonObject], bool]:
        await api.check_route(route)
        routes = [each for each in await api.routes() if route in (None, each["route"])]
        return routes, *await api.messages(route=route, state=state, limit=limit)

    routes, messages, is_more = _with_api(file, found)
    if as_json:
        _print_json({"routes": routes, "messages": messages, "more": is_more})
        return
    now = time.time()
    if not routes:
        click.echo(NOTHING)
        return
    _print(route_table(routes, now=now))
    if messages:
        click.echo()
        _print(message_table(messages, now=now))
    if is_more:
        tell(f"These are the first {len(messages)}; --limit shows more, --route and --state choose.")


@command.command("show")
@click.argument("id_", metavar="ID")
@json_option
@config_option
def show_command(*, id_: str, as_json: bool, file: Path | None) -> None:
    """Show one message and its attempts.

    What may be a credential is shown as ***.
    """
    message = _with_api(file, lambda api: api.message(id_))
    if as_json:
        _print_json(message)
        return
    click.echo("\n".join(facts(message, now=time.time())))
    if message["history"]:
        click.echo()
        _print(history_table(message["history"]))


@command.command("export")
@click.argument("id_", metavar="ID")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file instead of standard output.")
@click.option("--json", "as_json", is_flag=True, help="The whole message as JSON, with the body in base64.")
@config_option
def export_command(*, id_: str, output: Path | None, as_json: bool, file: Path | None) -> None:
    """Write the body of a message to a file.

    Without -o it goes to standard output, byte for byte; a terminal shows it as text.
    """
    export = export_message if as_json else export_body
    try:
        _with_api(file, lambda api: export(api, id_, output))
    except OSError as error:
        tell(f"The message could not be written: {error.strerror or error}.")
        sys.exit(1)


@command.command("retry")
@ids_argument
@route_option
@state_option
@yes_option
@json_option
@config_option
def retry_command(**words: Any) -> None:
    """Deliver messages now.

    A dead letter is tried again, and a waiting message before its time. Ids stay the same.
    """
    _decide("retry", "due now", OutboxApi.retry, **words)


@command.command("discard")
@ids_argument
@route_option
@state_option
@yes_option
@json_option
@config_option
def discard_command(**words: Any) -> None:
    """Remove messages for good. In an order, the next message is then delivered."""
    _decide("discard", "discarded", OutboxApi.discard, **words)


@command.command("hold")
@click.argument("route")
@json_option
@config_option
def hold_command(*, route: str, as_json: bool, file: Path | None) -> None:
    """Stop the delivery of ROUTE; messages are still accepted. The route stays held after a restart."""
    said = f"Route {route} is held: it accepts, and delivers nothing. Messages still die when they are `max_age` old."
    _switch(file, lambda api: api.hold(route), said, as_json)


@command.command("resume")
@click.argument("route")
@json_option
@config_option
def resume_command(*, route: str, as_json: bool, file: Path | None) -> None:
    """Start the delivery of a held ROUTE again."""
    _switch(file, lambda api: api.resume(route), f"Route {route} delivers.", as_json)


def _decide(
    verb: str,
    said: str,
    act: Callable[[OutboxApi, str], Awaitable[JsonObject]],
    *,
    ids: tuple[str, ...],
    route: str | None,
    state: str | None,
    yes: bool,
    as_json: bool,
    file: Path | None,
) -> None:
    selection = Selection(ids, route, state, yes)
    selection.check()
    found = _with_api(file, lambda api: selected(api, selection))
    confirm(len(found), selection, verb)
    outcome = _with_api(file, lambda api: each_of(found, partial(act, api), named=bool(ids)))
    if as_json:
        failed = [{"id": id_, "code": refused.code, "detail": str(refused)} for id_, refused in outcome.failed]
        _print_json({"done": outcome.done, "failed": failed})
    else:
        if ids:
            click.echo("".join(f"{each['id']}: {said}\n" for each in outcome.done), nl=False)
        else:
            click.echo(f"{counted(len(outcome.done), 'message')}: {said}.")
        for id_, refused in outcome.failed:
            tell(f"{id_}: {refused}")
    sys.exit(bool(outcome.failed))


def _switch(
    file: Path | None,
    act: Callable[[OutboxApi], Awaitable[JsonObject]],
    said: str,
    as_json: bool,  # noqa: FBT001
) -> None:
    found = _with_api(file, act)
    if as_json:
        _print_json(found)
    else:
        click.echo(said)


def _with_api(file: Path | None, act: Callable[[OutboxApi], Awaitable[T]]) -> T:
    """Does it with the running proxy; if that refuses, prints why and ends with 1."""
    configuration = read(file, insecure_listen=True)  # nobody listens

    async def acting() -> T:
        async with outbox_api(configuration) as api:
            return await act(api)

    try:
        return run(acting())
    except (Refused, Unreachable) as error:
        tell(printable(str(error)))
        sys.exit(1)


def _print(table: Any) -> None:
    """Prints a table for 80 columns, or more if the terminal has more."""
    console = Console()
    Console(width=max(COLUMNS, console.width) if console.is_terminal else COLUMNS).print(table)


def _print_json(content: Any) -> None:
    click.echo(json.dumps(content, indent=2))
