"""`send`: delivers one message, or many, through an embedded proxy; replaces Postman."""

import asyncio
import os
import sys
import time
from collections.abc import Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.progress import DownloadColumn, MofNCompleteColumn, TransferSpeedColumn

from proxy.cli.answer_output import AnswerOutput, conversation
from proxy.cli.columns import tell
from proxy.cli.configuration import FAULTY, as_configuration, config_option, read
from proxy.cli.loops import run
from proxy.cli.progress import Seconds, progress, spinner
from proxy.cli.report import report, show
from proxy.cli.saved_request import Wanted, listing, read_collection, saved
from proxy.config.choices import Csrf
from proxy.config.model import Configuration
from proxy.forwarding.masking import masked_lines, masked_names
from proxy.observe.exchange_record import ExchangeRecord
from proxy.trial.embedded_proxy import Advance, EmbeddedProxy, SendResult, Unusable, embedded_proxy
from proxy.trial.message import Message, addressed, content_of

LARGE = 4 << 20
"Bytes from which an upload shows its progress."
INTERRUPTED = 130
"Exit status, as in shells after SIGINT."
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
"Methods for which a missing body is more likely a mistake than a wish."


@click.command()
@click.argument("where", metavar="ROUTE|URL", required=False)
@click.argument("name", required=False)
@click.option("-d", "--data", multiple=True, metavar="S|@F|@-", help="Send this text, a file, or standard input.")
@click.option("--file", "body", type=click.Path(path_type=Path), metavar="F", help="Send this file, like -d @F.")
@click.option("-H", "--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="Set a field of the request.")
@click.option("-X", "--method", metavar="M", help="Method of the request; POST by default.")
@click.option("-i", "--include", is_flag=True, help="Show the fields of the answer, too.")
@click.option("-v", "--verbose", is_flag=True, help="Show the fields of the forwarded request and of the answer.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="F", help="Write the answer to this file.")
@click.option("--csrf", is_flag=True, help="Fetch a CSRF token if the flow requires one, even if `csrf` is off.")
@click.option("--repeat", default=1, type=click.IntRange(1), metavar="N", help="Send it N times, and show latencies.")
@click.option("--concurrency", default=1, type=click.IntRange(1), metavar="K", help="Send K of them at a time.")
@click.option("--collection", type=click.Path(path_type=Path), metavar="F", help="Postman collection or .http file.")
@click.option("--var", "variables", multiple=True, metavar="NAME=VALUE", help="Set a variable of the collection.")
@config_option
def command(
    where: str | None,
    name: str | None,
    file: Path | None,
    body: Path | None,
    output: Path | None,
    *,
    csrf: bool,
    repeat: int,
    concurrency: int,
    verbose: bool,
    include: bool,
    **options: Any,
) -> None:
    """Send a message to a route or to a URL.

    ROUTE is the name of a route, or a sender's path; a URL is the tenant's or the proxy's own. The command runs its
    own proxy with this configuration; no running proxy is needed. It prints what happened to standard error, and the
    answer to standard output: indented on a terminal, unchanged in a pipe. If you give no Content-Type, it guesses
    one.

    The body is what -d or --file says, else standard input, unless that is a terminal. With --collection, NAME is the
    request to send; without NAME, its requests are listed.
    """
    if as_configuration(where, file):
        raise click.UsageError(f"{where} is a file; as the configuration it is named by -c, beside ROUTE or URL.")
    check_usage(where, name, options, shows_one=include or verbose or bool(output), repeat=repeat)
    try:
        if options["collection"] and not where:
            click.echo(listing(read_collection(options["collection"])))
            return
        request = wanted(where or "", name, options)
        configuration = read(file, insecure_listen=True)  # nobody else can connect
        message = composed(request, configuration, options["data"], body, output)
        answer = AnswerOutput(output, include=include)
    except (ValueError, OSError) as error:
        tell(str(error))
        sys.exit(FAULTY)
    if csrf:
        routes = tuple(route.model_copy(update={"csrf": Csrf.AUTO}) for route in configuration.routes)
        configuration = configuration.model_copy(update={"routes": routes})
    if repeat == 1:
        records = sent(_once(configuration, message, answer, verbose=verbose))
    else:
        records = sent(_many(configuration, message, repeat, concurrency))
    sys.exit(not all(200 <= record.status < 300 and not record.code for record in records))


def check_usage(where: str | None, name: str | None, options: Any, *, shows_one: bool, repeat: int) -> None:
    """Raises UsageError for options that do not go together."""
    if repeat > 1 and shows_one:
        raise click.UsageError("-i, -v and -o show one answer: leave out --repeat.")
    if options["collection"]:
        return
    if where is None:
        raise click.UsageError("Missing argument 'ROUTE|URL'.")
    if name is not None:
        raise click.UsageError(f"Got unexpected extra argument ({name}).")
    if options["variables"]:
        raise click.UsageError("--var sets a variable of a collection: give --collection too.")


def wanted(where: str, name: str | None, options: Any) -> Wanted:
    """Returns what the options want; ValueError or OSError if they want a collection's request that cannot be sent."""
    collection, method, headers = options["collection"], options["method"], options["headers"]
    if collection is None:
        return Wanted(where, method or "POST", headers)
    route, name = (where, name) if name is not None else ("", where)
    return saved(collection, name, options["variables"], Wanted(route, method or "", headers))


def composed(
    request: Wanted, configuration: Configuration, data: Sequence[str], file: Path | None, output: Path | None
) -> Message:
    """Returns the message; ValueError if there is no body, but should be, or if its file would be overwritten."""
    message = addressed(request.where, configuration, request.headers, request.method)
    content = request.content
    if content is None or data or file:
        content = content_of(data, file, sys.stdin.buffer, message.method)
    if content is None and message.method in WITH_BODY:
        raise ValueError(
            f"This {message.method} has no body: give -d or --file, or pipe it in. -d '' sends an empty message."
        )
    if isinstance(content, Path) and output is not None and output.exists() and content.samefile(output):
        raise ValueError(f"-o {output} would overwrite the message before it is sent.")
    return message.with_content(content or b"")


def sent(sending: Coroutine[Any, Any, list[ExchangeRecord]]) -> list[ExchangeRecord]:
    """Runs the coroutine; ends the command if nothing can be sent, or if it is interrupted."""
    try:
        return run(sending)
    except Unusable as error:
        tell(f"A file that the configuration names cannot be used: {error}")
        sys.exit(FAULTY)
    except KeyboardInterrupt:
        tell("Interrupted: a message may have arrived.")
        sys.exit(INTERRUPTED)


async def _once(
    configuration: Configuration, message: Message, answer: AnswerOutput, *, verbose: bool
) -> list[ExchangeRecord]:
    """Sends the message, and prints its report and its answer."""
    async with embedded_proxy(configuration, os.environ, keep_heads=verbose) as proxy:
        delivery = await _delivered(proxy, message, answer)
        if verbose:
            routes = {route.name: route for route in configuration.routes}
            heads = delivery.record.heads or []  # without a route, nothing was forwarded
            shown = [masked_lines(head, masked_names(routes[delivery.record.route])) for head in heads]
            click.echo(conversation(shown, delivery), err=True)
        click.echo(report(delivery, message), err=True)
        answer.close(delivery)
        return [delivery.record]


async def _delivered(proxy: EmbeddedProxy, message: Message, answer: AnswerOutput) -> SendResult:
    """Sends the message. A large one shows its progress, any other that it is waiting."""
    if message.length < LARGE:
        with spinner():
            return await proxy.send(message, headed=answer.headed, sink=answer.write)
    with progress(DownloadColumn(), TransferSpeedColumn(), Seconds()) as bar:
        advance = partial(bar.advance, bar.add_task("", total=message.length))
        return await proxy.send(message, headed=answer.headed, sink=answer.write, advance=advance)


async def _many(configuration: Configuration, message: Message, repeat: int, concurrency: int) -> list[ExchangeRecord]:
    """Sends the message `repeat` times, `concurrency` at a time, and prints the latencies."""
    began = time.monotonic()
    async with embedded_proxy(configuration, os.environ) as proxy:
        with progress(MofNCompleteColumn()) as bar:
            advance = partial(bar.advance, bar.add_task("", total=repeat))
            records = await _repeated(proxy, message, repeat, concurrency, advance)
        show(records, time.monotonic() - began)
        return records


async def _repeated(
    proxy: EmbeddedProxy, message: Message, repeat: int, concurrency: int, advance: Advance
) -> list[ExchangeRecord]:
    records: list[ExchangeRecord] = []
    turns = iter(range(repeat))

    async def sender() -> None:
        for _ in turns:
            records.append((await proxy.send(message)).record)
            advance(1)

    await asyncio.gather(*(sender() for _ in range(min(concurrency, repeat))))
    return records
