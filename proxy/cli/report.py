"""Reports of `send`: one message in lines, many in a table."""

import math
from collections import Counter
from collections.abc import Sequence

import click
from rich.console import Console
from rich.table import Table

from proxy.cli.columns import counted, wrapped
from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.log_format import printable
from proxy.trial.embedded_proxy import SendResult
from proxy.trial.message import Message

PERCENTILES = (50, 90, 99, 100)
PARTS = ("token", "connect", "first byte", "relay")
PHASES = (*PARTS, "total")


def report(sent: SendResult, message: Message) -> str:
    """Returns the outcome of one message, in lines."""
    record = sent.record
    maker = "" if record.made_by == "upstream" else f", by the {record.made_by}"
    lines = [
        ("sent", f"{message.method} {message.target}, {counted(message.length, 'byte')}"),
        ("route", f"{record.route} as {record.oauth_client}" if record.route else "none"),
        ("upstream", record.upstream),
        ("status", f"{record.status} {sent.reason}".rstrip() + maker),
        ("token", record.token),
        ("replays", ", ".join(record.replays)),
        ("time", timing(record)),
        ("MPL id", record.mpl_id),
        ("correlation id", record.correlation_id),
        ("failure", f"{record.code}: {record.detail}" if record.code else ""),
        ("diagnosis", record.diagnosis),
    ]
    return "\n".join(f"{name:<16}{wrapped(printable(value), indent=16)}" for name, value in lines if value)


def timing(record: ExchangeRecord) -> str:
    """Returns the total and its parts: in ms, from 10 s on in s, so that a row has at most 80 columns."""
    unit, factor = ("ms", 1000) if seconds(record, "total") < 10 else ("s", 1)
    total, *parts = (number(factor * seconds(record, phase)) for phase in ("total", *PARTS))
    return f"{total} {unit}: " + ", ".join(f"{phase} {part}" for phase, part in zip(PARTS, parts, strict=True))


def number(value: float) -> str:
    """Returns the number with at most four characters, up to 9999."""
    return f"{value:.0f}" if value > 99.9 else f"{value:.1f}"


def show(records: Sequence[ExchangeRecord], elapsed: float) -> None:
    """Prints the outcome of many messages: how many had which status, their latencies, and their failures."""
    statuses = Counter(record.status for record in records)
    counts = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
    click.echo(f"{counted(len(records), 'message')} in {elapsed:.2f} s, {len(records) / elapsed:.0f}/s: {counts}")
    table = Table("ms", *(f"p{rank}" if rank < 100 else "max" for rank in PERCENTILES), box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for phase in PHASES:
        durations = sorted(seconds(record, phase) for record in records)
        table.add_row(phase, *(f"{1000 * percentile(durations, rank):.1f}" for rank in PERCENTILES))
    Console().print(table)
    failures = Counter((record.status, record.detail or record.diagnosis) for record in records)
    for (status, words), count in failures.most_common():
        if words:
            click.echo(printable(f"{count} x {status}: {words}"))


def percentile(ordered: Sequence[float], rank: int) -> float:
    """Returns the smallest value that `rank` percent of the values do not exceed (nearest rank)."""
    return ordered[max(math.ceil(len(ordered) * rank / 100) - 1, 0)]


def seconds(record: ExchangeRecord, phase: str) -> float:
    """Returns the duration of a phase."""
    duration: float = getattr(record, f"{phase.replace(' ', '_')}_seconds")
    return duration
