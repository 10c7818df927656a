"""`doctor`: prints the findings of an examination as they come, and ends with 1 if a check failed."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from proxy.cli.configuration import FAULTY, config_option, read
from proxy.cli.loops import run
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


@click.command()
@click.argument("route", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.option("--send", "sends", is_flag=True, help="Also POST a message, which runs the integration flow.")
@click.option("--data", metavar="S", default="", help="The message for --send; empty by default.")
@config_option
def command(*, route: str | None, as_json: bool, sends: bool, data: str, file: Path | None) -> None:
    """Check everything between this machine and the tenant.

    All routes are checked, or only ROUTE. No integration flow is called without --send.
    """
    configuration = read(file, insecure_listen=True)
    if data and not sends:
        raise click.UsageError("--data is the message for --send: give both.")
    try:
        routes = selected_routes(route, configuration.routes)
    except ValueError as error:
        click.echo(str(error), err=True)
        sys.exit(FAULTY)
    examination = Examination(configuration, os.environ, data.encode() if sends else None)
    found = run(_examine(examination, routes, shown=not as_json))
    failed = [each for each in found if each.status is CheckStatus.FAILED]
    if as_json:
        click.echo(json.dumps([document(each) for each in found], indent=2))
    elif failed:
        first = failed[0]
        click.echo(f"\n{len(failed)} of {len(found)} checks failed, first {first.check} of {first.subject}.")
    sys.exit(bool(failed))


async def _examine(examination: Examination, routes: Mapping[str, RouteSettings], *, shown: bool) -> list[Finding]:
    found = []
    async for each in examination.findings(routes):
        found.append(each)
        if shown:
            click.echo(line(each))
    return found


def line(finding: Finding) -> str:
    """One line for people."""
    status = click.style(f"{finding.status.value:<8}", fg=COLORS[finding.status])
    return f"{status} {finding.subject:<24} {finding.check:<12} {printable(finding.detail)}"


def document(finding: Finding) -> dict[str, str]:
    """One object of the JSON output."""
    return {
        "subject": finding.subject,
        "check": finding.check,
        "result": finding.status.value,
        "detail": finding.detail,
    }
