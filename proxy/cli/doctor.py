"""`doctor`: prints the findings of an examination as they come, and ends with 1 if a check failed."""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from proxy.cli.columns import tell, wrapped
from proxy.cli.configuration import FAULTY, as_configuration, config_option, read, warn_of_unused_variables
from proxy.cli.loops import run
from proxy.config.load import written
from proxy.config.model import RouteSettings
from proxy.observe.log_format import printable
from proxy.trial.checks import CheckStatus
from proxy.trial.examination import Examination, Finding, selected_routes

COLORS = {
    CheckStatus.OK: "green",
    CheckStatus.WARNING: "yellow",
    CheckStatus.FAILED: "red",
    CheckStatus.SKIPPED: "bright_black",
}
INDENT = 24
"Columns before the detail of a check."


@click.command()
@click.argument("route", required=False)
@click.option("--all", "everything", is_flag=True, help="Also show the checks that were skipped.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.option("--send", "sends", is_flag=True, help="Also POST a message, which runs the integration flow.")
@click.option("--data", metavar="S", default="", help="The message for --send; empty by default.")
@config_option
def command(*, route: str | None, everything: bool, as_json: bool, sends: bool, data: str, file: Path | None) -> None:
    """Check everything between this machine and the tenant.

    All routes are checked, or only ROUTE. No integration flow is called without --send. A configuration file may be
    named in the place of ROUTE.
    """
    if named := as_configuration(route, file):
        route, file = None, named
    configuration = read(file, insecure_listen=True)
    warn_of_unused_variables(file, written(file, os.environ).problems.origin)
    if data and not sends:
        raise click.UsageError("--data is the message for --send: give both.")
    try:
        routes = selected_routes(route, configuration.routes)
    except ValueError as error:
        tell(str(error))
        sys.exit(FAULTY)
    examination = Examination(configuration, os.environ, data.encode() if sends else None)
    found = run(_examine(examination, routes, printer=None if as_json else Printer(everything=everything)))
    if as_json:
        click.echo(json.dumps([document(each) for each in found], indent=2))
    else:
        click.echo("\n" + wrapped(closing(found, everything=everything)))
    sys.exit(any(each.status is CheckStatus.FAILED for each in found))


async def _examine(
    examination: Examination, routes: Mapping[str, RouteSettings], *, printer: "Printer | None"
) -> list[Finding]:
    found = []
    async for each in examination.findings(routes):
        found.append(each)
        if printer:
            for line in printer.lines(each):
                click.echo(line)
    return found


class Printer:
    """Lines for people: each OAuth client and route once, its checks below."""

    def __init__(self, *, everything: bool, columns: int | None = None) -> None:
        """`columns` is by default the terminal's width; 0, as in a pipe, wraps nothing."""
        self._everything = everything
        self._columns = columns
        self._subject = ""

    def lines(self, finding: Finding) -> Iterator[str]:
        """Yields the lines of a finding; none if it was skipped, unless it is of the message or all are wanted."""
        if finding.status is CheckStatus.SKIPPED and finding.check != "message" and not self._everything:
            return
        if finding.subject != self._subject:
            self._subject = finding.subject
            yield printable(finding.subject)
        status = click.style(f"{finding.status.value:<8}", fg=COLORS[finding.status])
        detail = wrapped(printable(finding.detail), indent=INDENT, width=self._columns)
        yield from f"  {status} {finding.check:<12} {detail}".split("\n")


def closing(found: Sequence[Finding], *, everything: bool) -> str:
    """Returns the last line: what failed first, or that nothing did."""
    counts = Counter(each.status for each in found)
    first = next((each for each in found if each.status is CheckStatus.FAILED), None)
    if first:
        text = f"{counts[CheckStatus.FAILED]} of {len(found)} checks failed, first {first.check} of {first.subject}."
    else:
        text = f"No check failed: {counts[CheckStatus.OK]} ok, {counts[CheckStatus.WARNING]} with a warning."
    skipped = counts[CheckStatus.SKIPPED]
    hint = "" if everything else " (--all shows them)"
    return f"{text} {skipped} skipped{hint}." if skipped else text


def document(finding: Finding) -> dict[str, str]:
    """One object of the JSON output."""
    return {
        "subject": finding.subject,
        "check": finding.check,
        "result": finding.status.value,
        "detail": finding.detail,
    }
