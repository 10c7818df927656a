"""Rows fit the terminal; in a pipe nothing is broken."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from proxy.cli.columns import columns, counted, tell, wrapped
from proxy.cli.group import main
from tests.cases import cases

TEXT = "one two-three four"
CONFIGURATION = """
admin: 127.0.0.1:2
oauth_clients:
  a: {token_url: "https://127.0.0.1:1/t", client_id: c, client_secret: s}
  b: {token_url: "https://127.0.0.1:1/t", client_id: c, client_secret: s}
routes:
  - {path: /orders, upstream: "https://127.0.0.1:1/http/orders", oauth_client: a}
"""


@cases(
    "indent, width, rows",
    (2, 12, "one\n  two-three\n  four"),
    (0, 18, TEXT),
    (0, 5, "one\ntwo-three\nfour"),
    (2, 0, TEXT),
    (9, 9, TEXT),
)
def test_text_is_broken_between_words(indent: int, width: int, rows: str) -> None:
    """A long word stays whole."""
    assert wrapped(TEXT, indent=indent, width=width) == rows


def test_the_width_is_that_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """COLUMNS counts, as for other programs."""
    monkeypatch.setenv("COLUMNS", "12")
    assert columns() == 12
    assert wrapped(TEXT, indent=2) == "one\n  two-three\n  four"


@cases(
    "words, begin",
    ("send nowhere -d x", "There is no route nowhere; the routes are orders."),
    ("send /orders", "This POST has no body: give -d"),
    ("doctor nowhere", "There is no route nowhere; the routes are orders."),
    ("token nobody", "There is no OAuth client nobody; the OAuth clients are a, b."),
    ("token", "Name one OAuth client (a, b), or give --all."),
    ("token a", "a: The token endpoint"),
    ("console", "No proxy answers at 127.0.0.1:2. Start it with"),
    ("outbox", "No proxy answers at 127.0.0.1:2. Start it with"),
    ("import-key no-such-file", "Nothing was imported: "),
    ("init --platform neo", "Nothing was written: "),
)
def test_what_a_command_refuses_fits_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, begin: str
) -> None:
    """Each sentence is broken between words, and has none less than in a pipe."""
    (tmp_path / "proxy.yaml").write_text(CONFIGURATION)
    monkeypatch.chdir(tmp_path)
    piped, shown = (
        CliRunner(env={"COLUMNS": width}).invoke(main, words.split(), catch_exceptions=False).stderr
        for width in (None, "40")
    )
    assert piped.startswith(begin)
    assert shown.split() == piped.split()
    assert [line for line in shown.splitlines() if len(line) > 40 and " " in line] == []


def test_lines_stay_lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Each is broken for itself."""
    monkeypatch.setenv("COLUMNS", "12")
    tell(f"{TEXT}\nfive")
    assert capsys.readouterr().err == "one\ntwo-three\nfour\nfive\n"


@cases("count, told", (0, "0 bytes"), (1, "1 byte"), (2, "2 bytes"))
def test_one_is_not_several(count: int, told: str) -> None:
    """Only one has no s."""
    assert counted(count, "byte") == told
