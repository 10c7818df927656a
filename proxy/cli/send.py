"""`send`: one message, or many, through the whole path within this process; what Postman was needed for."""

import asyncio
import math
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from io import BytesIO
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, ProgressColumn, TransferSpeedColumn
from rich.table import Table

from proxy.cli.configuration import FAULTY, config_option, read
from proxy.cli.inside import Advance, Inside, Sent, proxy_inside
from proxy.cli.loops import loop_factory
from proxy.cli.message import Message, compose, content_of
from proxy.cli.pretty import pretty
from proxy.config.choices import Csrf
from proxy.config.model import Configuration
from proxy.observe.account import Account
from proxy.observe.logs import printable

LARGE = 4 << 20
"Octets from which on an upload shows how far it is."
PERCENTILES = (50, 90, 99, 100)
PHASES = ("token", "connect", "first byte", "relay", "total")


@click.command()
@click.argument("where", metavar="ROUTE|URL")
@click.option(
    "--file", "body", type=click.Path(path_type=Path), metavar="F", help="Send this file; - is standard input."
)
@click.option("--data", metavar="S", help="Send this text.")
@click.option("-H", "--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="A field of the request.")
@click.option("-X", "--method", default="POST", show_default=True, metavar="M", help="Method of the request.")
@click.option("--csrf", is_flag=True, help="Fetch a CSRF token if the flow requires one, also where `csrf` is off.")
@click.option("--repeat", default=1, type=click.IntRange(1), metavar="N", help="Send it N times; shows latencies.")
@click.option("--concurrency", default=1, type=click.IntRange(1), metavar="K", help="So many of them at a time.")
@config_option
def command(
    *,
    where: str,
    body: Path | None,
    data: str | None,
    headers: tuple[str, ...],
    method: str,
    repeat: int,
    concurrency: int,
    file: Path | None,
    csrf: bool,
) -> None:
    """Send a message to ROUTE (its name, or a sender's path) or to a URL of the tenant.

    It goes through a proxy of its own with this configuration. What became of it is told on standard error, the answer
    goes to standard output: indented on a terminal, as it came into a pipe. Without a Content-Type, one is guessed.
    """
    configuration = read(file, insecure_listen=True)  # nobody else can reach it
    try:
        message = compose(where, configuration, content_of(body, data), headers, method)
    except (ValueError, OSError) as error:
        click.echo(str(error), err=True)
        sys.exit(FAULTY)
    if csrf:
        routes = tuple(route.model_copy(update={"csrf": Csrf.AUTO}) for route in configuration.routes)
        configuration = configuration.model_copy(update={"routes": routes})
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            sent = runner.run(_send(configuration, message, repeat, concurrency))
    except (OSError, ValueError) as error:
        click.echo(f"It cannot be sent: {error}", err=True)
        sys.exit(FAULTY)
    sys.exit(not all(200 <= account.status < 300 and not account.code for account in sent))


async def _send(configuration: Configuration, message: Message, repeat: int, concurrency: int) -> list[Account]:
    began = time.monotonic()
    async with proxy_inside(configuration, os.environ) as inside:
        if repeat == 1:
            return [await _once(inside, message)]
        with progress(MofNCompleteColumn()) as bar:
            task = bar.add_task("", total=repeat)
            accounts = await _many(inside, message, repeat, concurrency, partial(bar.advance, task))
        show(accounts, time.monotonic() - began)
        return accounts


async def _once(inside: Inside, message: Message) -> Account:
    """Sends it, shows what became of it."""
    terminal, content = sys.stdout.isatty(), BytesIO()
    with progress(DownloadColumn(), TransferSpeedColumn(), shown=message.length >= LARGE) as bar:
        task = bar.add_task("", total=message.length)
        sink = content if terminal else sys.stdout.buffer
        sent = await inside.send(message, sink=sink.write, advance=partial(bar.advance, task))
    click.echo(report(sent, message), err=True)
    if terminal:
        click.echo("\n" + pretty(content.getvalue(), sent.media_type, sent.charset))
    return sent.account


async def _many(inside: Inside, message: Message, repeat: int, concurrency: int, advance: Advance) -> list[Account]:
    """Sends it so often, so many at a time."""
    accounts: list[Account] = []
    turns = iter(range(repeat))

    async def sender() -> None:
        for _ in turns:
            accounts.append((await inside.send(message)).account)
            advance(1)

    async with asyncio.TaskGroup() as senders:
        for _ in range(min(concurrency, repeat)):
            senders.create_task(sender())
    return accounts


def progress(*columns: ProgressColumn, shown: bool = True) -> Progress:
    """A bar on standard error while something goes on, if that is a terminal."""
    console = Console(stderr=True)
    return Progress(BarColumn(), *columns, console=console, transient=True, disable=not (shown and console.is_terminal))


def report(sent: Sent, message: Message) -> str:
    """What became of one message, in lines for people."""
    account = sent.account
    maker = "" if account.made_by == "upstream" else f", by the {account.made_by}"
    lines = [
        ("sent", f"{message.method} {message.target}, {message.length} octets"),
        ("route", f"{account.route} as {account.oauth_client}" if account.route else "none"),
        ("status", f"{account.status} {sent.reason}".rstrip() + maker),
        ("token", account.token),
        ("replays", ", ".join(account.replays)),
        ("time", ", ".join(f"{phase} {1000 * seconds(account, phase):.1f} ms" for phase in PHASES)),
        ("MPL id", account.mpl_id),
        ("correlation id", account.correlation_id),
        (account.code, account.detail),
        ("diagnosis", account.diagnosis),
    ]
    return "\n".join(printable(f"{name:<16}{value}") for name, value in lines if value)


def show(accounts: Sequence[Account], elapsed: float) -> None:
    """What became of many: how many of which status, how long they took, and what went wrong."""
    statuses = Counter(account.status for account in accounts)
    told = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
    click.echo(f"{len(accounts)} messages in {elapsed:.2f} s, {len(accounts) / elapsed:.0f}/s: {told}")
    table = Table("ms", *(f"p{rank}" if rank < 100 else "max" for rank in PERCENTILES), box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for phase in PHASES:
        taken = sorted(seconds(account, phase) for account in accounts)
        table.add_row(phase, *(f"{1000 * percentile(taken, rank):.1f}" for rank in PERCENTILES))
    Console().print(table)
    failures = Counter((account.status, account.detail or account.diagnosis) for account in accounts)
    for (status, words), count in failures.most_common():
        if words:
            click.echo(printable(f"{count} x {status}: {words}"))


def percentile(ordered: Sequence[float], rank: int) -> float:
    """The least value that `rank` percent of them do not exceed (nearest rank)."""
    return ordered[max(math.ceil(len(ordered) * rank / 100) - 1, 0)]


def seconds(account: Account, phase: str) -> float:
    """How long a phase took."""
    taken: float = getattr(account, f"{phase.replace(' ', '_')}_seconds")
    return taken
