"""Command lines and variables of documents exist."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click

import hatch_build
from proxy.cli.examples import EXAMPLES
from proxy.cli.group import main
from proxy.config.environment import _OPTIONS
from tests.docs.pages import PAGES, ROOT, blocks, each_page, prose, read, words

NAME = "cpi-oauth-proxy"
ENDS = {"|", ">", ">>", "2>", "<", "&&", "||", ";", "&", ")"}
OUTPUT = re.compile(r"^cpi-oauth-proxy \d")
"A line that is no command, but what one prints."


def command_lines(page: Path) -> Iterator[str]:
    """In blocks and in prose."""
    for block in blocks(page):
        if block.language in ("sh", "console", "yaml", "ini"):
            joined = block.text.replace("\\\n", " ")
            yield from (line.removeprefix("$ ") for line in joined.splitlines() if NAME in line)
    yield from (text for text in words(prose(page)) if text.startswith(f"{NAME} "))


def arguments(line: str) -> list[str] | None:
    """To the end; None for another command."""
    found = shlex.split(line, comments=True)
    at = next((index for index, word in enumerate(found) if word == NAME or word.endswith(f"/{NAME}")), None)
    if at is None:
        return None
    rest = found[at + 1 :]
    return rest[: next((index for index, word in enumerate(rest) if word in ENDS), len(rest))]


def placeholder(word: str) -> str:
    """For any word, as `[-c FILE]` and `ROUTE|URL`."""
    return word.strip("[]").partition("|")[0]


def fault(line: str) -> str:
    """As the command would tell it."""
    name, *rest = [placeholder(word) for word in arguments(line) or [""]]
    if name in ("", "--help", "--version", "-h"):
        return ""
    command = main.get_command(click.Context(main), name)
    if command is None:
        return f"no command {name}"
    rest = [{"N": "1", "K": "1"}.get(word, word) for word in rest]
    if isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        name, *rest = rest
        below = command.get_command(click.Context(command), name)
        if below is None:
            return f"no command {name}"
        command = below
    try:
        if rest:
            command.make_context(name, rest)
    except click.ClickException as error:
        return error.format_message()
    except click.exceptions.Exit:
        return ""
    return ""


@each_page
def test_each_command_line_is_taken(page: Path) -> None:
    """With its options."""
    assert {line: said for line in command_lines(page) if (said := fault(line))} == {}


def test_each_example_of_a_command_is_taken() -> None:
    """Of --help, too."""
    assert {line: said for three in EXAMPLES.values() for line in three if (said := fault(line))} == {}


def test_command_lines_are_found_and_judged() -> None:
    """Wherever a mistake stands."""
    assert fault("cpi/bin/cpi-oauth-proxy run -c proxy.yaml | jq") == ""
    assert fault("docker run --rm cpi-oauth-proxy check --config /x") == ""
    assert fault("cpi-oauth-proxy send [ROUTE|URL] [-c FILE]") == ""
    assert fault("cpi-oauth-proxy serve") == "no command serve"
    assert fault("cpi-oauth-proxy outbox --json") == fault("cpi-oauth-proxy outbox discard ID --yes") == ""
    assert fault("cpi-oauth-proxy outbox drop ID") == "no command drop"
    assert "--dry" in fault("cpi-oauth-proxy outbox discard ID --dry")
    assert "--dry" in fault("sudo cpi-oauth-proxy check --dry > x")
    assert "FILE" in fault("cpi-oauth-proxy import-key --name acme")
    assert sum(1 for page in PAGES for _ in command_lines(page)) > 40


@each_page
def test_each_variable_exists(page: Path) -> None:
    """At run time, or in the build."""
    assert set(re.findall(r"\bCPI_[A-Z][A-Z_]*\b", read(page))) <= {*_OPTIONS, hatch_build.VARIABLE}


def test_the_page_names_all_variables() -> None:
    """In the reference."""
    assert set(re.findall(r"\bCPI_[A-Z][A-Z_]*\b", read(ROOT / "docs" / "configuration.md"))) == set(_OPTIONS)
