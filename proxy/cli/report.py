"""What became of messages that were sent, for people: one in lines, many in a table."""

import math
from collections import Counter
from collections.abc import Sequence

import click
from rich.console import Console
from rich.table import Table

from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.log_format import printable
from proxy.trial.embedded_proxy import Delivery
from proxy.trial.message import Message

PERCENTILES = (50, 90, 99, 100)
PHASES = ("token", "connect", "first byte", "relay", "total")


def report(sent: Delivery, message: Message) -> str:
    """What became of one message, in lines for people."""
    record = sent.record
    maker = "" if record.made_by == "upstream" else f", by the {record.made_by}"
    lines = [
        ("sent", f"{message.method} {message.target}, {message.length} octets"),
        ("route", f"{record.route} as {record.oauth_client}" if record.route else "none"),
        ("upstream", record.upstream),
        ("status", f"{record.status} {sent.reason}".rstrip() + maker),
        ("token", record.token),
        ("replays", ", ".join(record.replays)),
        ("time", ", ".join(f"{phase} {1000 * seconds(record, phase):.1f} ms" for phase in PHASES)),
        ("MPL id", record.mpl_id),
        ("correlation id", record.correlation_id),
        ("failure", f"{record.code}: {record.detail}" if record.code else ""),
        ("diagnosis", record.diagnosis),
    ]
    return "\n".join(printable(f"{name:<16}{value}") for name, value in lines if value)


def show(accounts: Sequence[ExchangeRecord], elapsed: float) -> None:
    """What became of many: how many of which status, how long they took, and what went wrong."""
    statuses = Counter(record.status for record in accounts)
    told = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
    click.echo(f"{len(accounts)} messages in {elapsed:.2f} s, {len(accounts) / elapsed:.0f}/s: {told}")
    table = Table("ms", *(f"p{rank}" if rank < 100 else "max" for rank in PERCENTILES), box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for phase in PHASES:
        taken = sorted(seconds(record, phase) for record in accounts)
        table.add_row(phase, *(f"{1000 * percentile(taken, rank):.1f}" for rank in PERCENTILES))
    Console().print(table)
    failures = Counter((record.status, record.detail or record.diagnosis) for record in accounts)
    for (status, words), count in failures.most_common():
        if words:
            click.echo(printable(f"{count} x {status}: {words}"))


def percentile(ordered: Sequence[float], rank: int) -> float:
    """The least value that `rank` percent of them do not exceed (nearest rank)."""
    return ordered[max(math.ceil(len(ordered) * rank / 100) - 1, 0)]


def seconds(record: ExchangeRecord, phase: str) -> float:
    """How long a phase took."""
    taken: float = getattr(record, f"{phase.replace(' ', '_')}_seconds")
    return taken
