"""Man page and completion are those of the commands."""

import subprocess
import sys

import pytest

from proxy.cli.examples import EXAMPLES
from proxy.cli.group import COMMANDS
from tests.docs.man import PAGE, man_page, roff
from tests.docs.pages import ROOT, read, table, words
from tests.system.command import Command


def test_the_man_page_is_as_it_would_be_made_now() -> None:
    """By `make docs`."""
    assert read(PAGE) == man_page()


def test_it_has_each_command() -> None:
    """As a section."""
    found = [
        line.removeprefix(".SS ").replace("\\-", "-") for line in read(PAGE).splitlines() if line.startswith(".SS ")
    ]
    assert [name for name in found if " " not in name] == list(COMMANDS)
    assert [name for name in found if name.startswith("outbox ")] == [name for name in EXAMPLES if " " in name]


def test_no_line_is_taken_for_a_request() -> None:
    """Whatever it begins with."""
    assert [roff(line) for line in (".x", "'y", "a\\b", "-c\u2026")] == ["\\&.x", "\\&'y", "a\\eb", "\\-c\\[u2026]"]


@pytest.mark.needs("groff")
def test_groff_finds_nothing_wrong() -> None:
    """With all its warnings."""
    done = subprocess.run(
        ["groff", "-man", "-ww", "-z", "-Tutf8", PAGE], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert not done.stderr


async def completed(variables: dict[str, str]) -> str:
    """By the installed name."""
    command = Command(cwd=ROOT, **variables)
    command.program = (sys.executable, "-c", "from proxy.cli import main; main(prog_name='cpi-oauth-proxy')")
    async with command:
        ended = await command.ends()
    assert ended.status == 0
    return ended.output


@pytest.mark.parametrize("row", table(ROOT / "docs" / "commands.md", "Completion"), ids=lambda row: row[0])
async def test_the_program_completes_for_each_shell_of_the_page(row: list[str]) -> None:
    """By a script that asks the program."""
    shell = row[0]
    assert f"_CPI_OAUTH_PROXY_COMPLETE={shell}_source cpi-oauth-proxy" in words(row[2])[0]
    assert f"{shell}_complete" in await completed({"_CPI_OAUTH_PROXY_COMPLETE": f"{shell}_source"})


async def test_a_command_is_completed() -> None:
    """By its first letters, in bash."""
    asked = {"_CPI_OAUTH_PROXY_COMPLETE": "bash_complete", "COMP_WORDS": "cpi-oauth-proxy do", "COMP_CWORD": "1"}
    assert (await completed(asked)).split() == ["plain,doctor"]
