"""What `doctor` prints for people."""

from pathlib import Path

import pytest
from click import unstyle
from click.testing import CliRunner

from proxy.cli.doctor import Printer, closing, command
from proxy.trial.checks import CheckStatus
from proxy.trial.examination import Finding
from tests.cases import cases

LONG = (
    "a sentence that says what was found, and has https://a1b2c3-iflmap.hcisbt.eu1.hana.ondemand.com/http/orders/26 in"
)


def finding(status: CheckStatus, check: str = "DNS", detail: str = "x", subject: str = "route orders") -> Finding:
    """One of a route."""
    return Finding(subject, check, status, detail)


OK, FAILED, WARNING = (finding(each) for each in (CheckStatus.OK, CheckStatus.FAILED, CheckStatus.WARNING))
SKIPPED = finding(CheckStatus.SKIPPED, "proxy")
MESSAGE = finding(CheckStatus.SKIPPED, "message")


@cases("everything, shown", (False, ["DNS", "message"]), (True, ["DNS", "proxy", "message"]))
def test_skipped_checks_are_shown_if_all_are_wanted(*, everything: bool, shown: list[str]) -> None:
    """A message that was not sent always is."""
    printer = Printer(everything=everything, columns=80)
    lines = [unstyle(line) for each in (OK, SKIPPED, MESSAGE) for line in printer.lines(each)]
    assert lines[0] == "route orders"
    assert [line.split()[1] for line in lines[1:]] == shown


def test_each_subject_is_named_once() -> None:
    """Not if none of its checks is shown."""
    printer = Printer(everything=False, columns=80)
    hidden = finding(CheckStatus.SKIPPED, subject="oauth_client a")
    other = finding(CheckStatus.OK, subject="route b")
    lines = [line for each in (hidden, OK, FAILED, other) for line in printer.lines(each)]
    assert [line for line in lines if not line.startswith(" ")] == ["route orders", "route b"]


def test_lines_break_between_words_only() -> None:
    """A URL longer than its line has a line of its own."""
    printer = Printer(everything=False, columns=80)
    lines = [unstyle(line) for line in printer.lines(finding(CheckStatus.FAILED, detail=LONG))][1:]
    assert " ".join(" ".join(line.split()) for line in lines).endswith(LONG)
    assert all(len(line) <= 80 for line in lines if "https" not in line)
    assert all(line.startswith(" " * 24) for line in lines[1:])
    assert len(lines) > 2


def test_a_pipe_has_one_line_for_each_check() -> None:
    """Without a width nothing is wrapped."""
    lines = list(Printer(everything=False, columns=0).lines(finding(CheckStatus.FAILED, detail=LONG)))
    assert len(lines) == 2
    assert LONG in lines[1]


@cases(
    "found, everything, text",
    ([OK, WARNING], False, "No check failed: 1 ok, 1 with a warning."),
    ([OK, SKIPPED], False, "No check failed: 1 ok, 0 with a warning. 1 skipped (--all shows them)."),
    ([OK, SKIPPED], True, "No check failed: 1 ok, 0 with a warning. 1 skipped."),
    (
        [OK, FAILED, MESSAGE],
        False,
        "1 of 3 checks failed, first DNS of route orders. 1 skipped (--all shows them).",
    ),
)
def test_the_last_line_counts(found: list[Finding], *, everything: bool, text: str) -> None:
    """There is one in any case."""
    assert closing(found, everything=everything) == text


CONFIGURATION = """
oauth_clients:
  orders: {token_url: "https://127.0.0.1:1/t", client_id: c, client_secret: s}
routes:
  - {path: /orders, upstream: "https://127.0.0.1:1/http/orders", oauth_client: orders}
"""


@cases("variable", "https://cpi.invalid/http", "")
def test_variables_that_a_file_makes_useless_are_told_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """As `check` tells them, on standard error."""
    (tmp_path / "proxy.yaml").write_text(CONFIGURATION)
    monkeypatch.chdir(tmp_path)
    ended = CliRunner(env={"CPI_UPSTREAM": variable}).invoke(command, [])
    warned = "warning: proxy.yaml: is read, so CPI_UPSTREAM and the variables beside it have no effect; "
    assert ended.stderr.startswith(warned) is bool(variable)
    assert " checks failed, first TCP of oauth_client orders." in ended.stdout
    assert ended.exit_code == 1
