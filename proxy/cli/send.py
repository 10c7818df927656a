"""`send`: delivers one message, or many, through an embedded proxy; replaces Postman."""

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
from proxy.trial.embedded_proxy import Advance, EmbeddedProxy, Unusable, embedded_proxy
from proxy.trial.message import Message, compose, content_of

LARGE = 4 << 20
"Bytes from which an upload shows its progress."
INTERRUPTED = 130
"Exit status, as in shells after SIGINT."


@click.command()
@click.argument("where", metavar="ROUTE|URL")
@click.option(
    "--file", "body", type=click.Path(path_type=Path), metavar="F", help="Send this file; - is standard input."
)
@click.option("--data", metavar="S", help="Send this text.")
@click.option(
    "-H", "--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="A header field of the request."
)
@click.option("-X", "--method", default="POST", show_default=True, metavar="M", help="Method of the request.")
@click.option("--csrf", is_flag=True, help="Fetch a CSRF token if the flow requires one, even if `csrf` is off.")
@click.option("--repeat", default=1, type=click.IntRange(1), metavar="N", help="Send it N times, and show latencies.")
@click.option("--concurrency", default=1, type=click.IntRange(1), metavar="K", help="Send K of them at a time.")
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
    """Send a message to a route or to a URL of the tenant.

    ROUTE is the name of a route, or a sender's path. The command runs its own proxy with this configuration; no
    running proxy is needed. It prints what happened to standard error, and the answer to standard output: indented on
    a terminal, unchanged in a pipe. If you give no Content-Type, it guesses one.
    """
    configuration = read(file, insecure_listen=True)  # nobody else can connect
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
        click.echo("Interrupted: a message may have arrived.", err=True)
        sys.exit(INTERRUPTED)
    sys.exit(not all(200 <= record.status < 300 and not record.code for record in sent))


async def _send(configuration: Configuration, message: Message, repeat: int, concurrency: int) -> list[ExchangeRecord]:
    began = time.monotonic()
    async with embedded_proxy(configuration, os.environ) as proxy:
        if repeat == 1:
            return [await _once(proxy, message)]
        with progress(MofNCompleteColumn()) as bar:
            task = bar.add_task("", total=repeat)
            records = await _many(proxy, message, repeat, concurrency, partial(bar.advance, task))
        show(records, time.monotonic() - began)
        return records


async def _once(proxy: EmbeddedProxy, message: Message) -> ExchangeRecord:
    """Sends the message, and prints its report and its answer."""
    terminal, content = sys.stdout.isatty(), BytesIO()
    output = Output(sys.stdout.buffer)
    with progress(DownloadColumn(), TransferSpeedColumn(), shown=message.length >= LARGE) as bar:
        task = bar.add_task("", total=message.length)
        sink = content.write if terminal else output.write
        sent = await proxy.send(message, sink=sink, advance=partial(bar.advance, task))
    click.echo(report(sent, message), err=True)
    if terminal:
        click.echo("\n" + pretty(content.getvalue(), sent.media_type, sent.charset))
    output.close()
    return sent.record


class Output:
    """Standard output as a pipe or file; its failures do not affect the message."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._failure: OSError | None = None

    def write(self, piece: bytes) -> None:
        """Writes until the first failure."""
        if self._failure is None:
            try:
                self._stream.write(piece)
                self._stream.flush()
            except OSError as error:
                self._failure = error

    def close(self) -> None:
        """Prints the failure, unless the reader has just closed the pipe."""
        if self._failure is None:
            return
        if not isinstance(self._failure, BrokenPipeError):
            click.echo(f"The answer could not be written: {self._failure.strerror}.", err=True)
        os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())  # else Python flushes again at exit, and fails


async def _many(
    proxy: EmbeddedProxy, message: Message, repeat: int, concurrency: int, advance: Advance
) -> list[ExchangeRecord]:
    """Sends the message `repeat` times, `concurrency` at a time."""
    records: list[ExchangeRecord] = []
    turns = iter(range(repeat))

    async def sender() -> None:
        for _ in turns:
            records.append((await proxy.send(message)).record)
            advance(1)

    await asyncio.gather(*(sender() for _ in range(min(concurrency, repeat))))
    return records


def progress(*columns: ProgressColumn, shown: bool = True) -> Progress:
    """Returns a progress bar on standard error, hidden unless that is a terminal."""
    console = Console(stderr=True)
    return Progress(BarColumn(), *columns, console=console, transient=True, disable=not (shown and console.is_terminal))
