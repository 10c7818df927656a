"""The help of each command fits a terminal of 80 columns, and has three examples."""

from click.testing import CliRunner

from proxy.cli.examples import EXAMPLES
from proxy.cli.group import COMMANDS, main
from tests.cases import cases


def test_each_command_is_known_by_its_examples() -> None:
    """Those of groups too."""
    assert [name for name in EXAMPLES if " " not in name] == list(COMMANDS)


def help_of(*words: str) -> list[str]:
    """The lines that a terminal of 80 columns shows."""
    ended = CliRunner().invoke(main, [*words, "--help"], terminal_width=80)
    assert ended.exit_code == 0
    return ended.stdout.splitlines()


@cases("command", *EXAMPLES)
def test_each_command_has_three_examples(command: str) -> None:
    """They are its last lines, each on one line."""
    assert len(EXAMPLES[command]) == 3
    assert help_of(*command.split())[-4:] == ["  Examples:", *(f"    {example}" for example in EXAMPLES[command])]


@cases("words", (), *(tuple(name.split()) for name in EXAMPLES))
def test_nothing_is_cut(words: tuple[str, ...]) -> None:
    """No line is longer than the terminal is wide, and none ends in dots."""
    lines = help_of(*words)
    assert max(map(len, lines)) <= 80
    assert not [line for line in lines if line.endswith(("...", "\u2026")) and not line.startswith("Usage:")]


@cases(
    "word, hint",
    ("snd", "There is no command snd. Did you mean send?"),
    ("import_key", "There is no command import_key. Did you mean import-key?"),
    ("xyzzy", f"There is no command xyzzy. The commands are {', '.join(COMMANDS)}."),
    ("--chek", "No such option"),
)
def test_an_unknown_command_is_told_with_a_similar_one(word: str, hint: str) -> None:
    """The status is 2, as for other wrong words."""
    ended = CliRunner().invoke(main, [word])
    assert ended.exit_code == 2
    assert hint in ended.stderr
