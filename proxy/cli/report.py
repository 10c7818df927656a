"""What became of messages that were sent, for people: one in lines, many in a table."""

import math
from collections import Counter
from collections.abc import Sequence

import click
from rich.console import Console
from rich.table import Table

from proxy.cli.inside import Sent
from proxy.cli.message import Message
from proxy.observe.account import Account
from proxy.observe.logs import printable

PERCENTILES = (50, 90, 99, 100)
PHASES = ("token", "connect", "first byte", "relay", "total")


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
        ("failure", f"{account.code}: {account.detail}" if account.code else ""),
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
