"""`send`: one message, or many, through the whole path within this process; what Postman was needed for."""

import asyncio
import os
import sys
import time
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, ProgressColumn, TransferSpeedColumn

from proxy.cli.configuration import FAULTY, config_option, read
from proxy.cli.loops import run
from proxy.cli.pretty import pretty
from proxy.cli.report import report, show
from proxy.config.choices import Csrf
from proxy.config.model import Configuration
from proxy.observe.exchange_record import ExchangeRecord
from proxy.trial.embedded_proxy import Advance, EmbeddedProxy, Unusable, proxy_inside
from proxy.trial.message import Message, compose, content_of

LARGE = 4 << 20
"Octets from which on an upload shows how far it is."
INTERRUPTED = 130
"Exit status, as shells have it for SIGINT."


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
        sent = run(_send(configuration, message, repeat, concurrency))
    except Unusable as error:
        click.echo(f"A file that the configuration names cannot be used: {error}", err=True)
        sys.exit(FAULTY)
    except KeyboardInterrupt:
        click.echo("Interrupted: what was under way may have arrived.", err=True)
        sys.exit(INTERRUPTED)
    sys.exit(not all(200 <= record.status < 300 and not record.code for record in sent))


async def _send(configuration: Configuration, message: Message, repeat: int, concurrency: int) -> list[ExchangeRecord]:
    began = time.monotonic()
    async with proxy_inside(configuration, os.environ) as inside:
        if repeat == 1:
            return [await _once(inside, message)]
        with progress(MofNCompleteColumn()) as bar:
            task = bar.add_task("", total=repeat)
            accounts = await _many(inside, message, repeat, concurrency, partial(bar.advance, task))
        show(accounts, time.monotonic() - began)
        return accounts


async def _once(inside: EmbeddedProxy, message: Message) -> ExchangeRecord:
    """Sends it, shows what became of it."""
    terminal, content = sys.stdout.isatty(), BytesIO()
    output = Output(sys.stdout.buffer)
    with progress(DownloadColumn(), TransferSpeedColumn(), shown=message.length >= LARGE) as bar:
        task = bar.add_task("", total=message.length)
        sink = content.write if terminal else output.write
        sent = await inside.send(message, sink=sink, advance=partial(bar.advance, task))
    click.echo(report(sent, message), err=True)
    if terminal:
        click.echo("\n" + pretty(content.getvalue(), sent.media_type, sent.charset))
    output.close()
    return sent.record


class Output:
    """Standard output as a pipe or file: what happens to it is no matter of the message's."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._failure: OSError | None = None

    def write(self, piece: bytes) -> None:
        """Write, as long as somebody reads."""
        if self._failure is None:
            try:
                self._stream.write(piece)
                self._stream.flush()
            except OSError as error:
                self._failure = error

    def close(self) -> None:
        """Tell what went wrong; a reader that has read enough is nothing wrong."""
        if self._failure is None:
            return
        if not isinstance(self._failure, BrokenPipeError):
            click.echo(f"The answer could not be written: {self._failure.strerror}.", err=True)
        os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())  # or Python tries again at its end, and fails


async def _many(
    inside: EmbeddedProxy, message: Message, repeat: int, concurrency: int, advance: Advance
) -> list[ExchangeRecord]:
    """Sends it so often, so many at a time."""
    accounts: list[ExchangeRecord] = []
    turns = iter(range(repeat))

    async def sender() -> None:
        for _ in turns:
            accounts.append((await inside.send(message)).record)
            advance(1)

    await asyncio.gather(*(sender() for _ in range(min(concurrency, repeat))))
    return accounts


def progress(*columns: ProgressColumn, shown: bool = True) -> Progress:
    """A bar on standard error while something goes on, if that is a terminal."""
    console = Console(stderr=True)
    return Progress(BarColumn(), *columns, console=console, transient=True, disable=not (shown and console.is_terminal))
