"""The start line of `run`."""

import sys
from typing import Any

import pytest

from proxy.cli.run import listed, log_options
from proxy.config.model import LogFormat, LogSettings
from tests.cases import cases


@cases("count, text", (1, "0"), (3, "0, 1, 2"), (4, "0, 1, 2 and 1 more"), (1000, "0, 1, 2 and 997 more"))
def test_a_long_list_of_routes_is_cut(count: int, text: str) -> None:
    """The others are counted."""
    assert listed([str(number) for number in range(count)], most=3) == text


class Terminal:
    """Standard error, as a terminal or not."""

    def __init__(self, *, is_terminal: bool) -> None:
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


@cases(
    "is_terminal, no_color, log_format, human, color",
    (True, None, LogFormat.AUTO, True, True),
    (True, "", LogFormat.AUTO, True, True),
    (True, "1", LogFormat.AUTO, True, False),
    (True, "0", LogFormat.HUMAN, True, False),
    (False, None, LogFormat.HUMAN, True, False),
    (False, None, LogFormat.AUTO, False, False),
)
def test_only_a_terminal_gets_colors(
    monkeypatch: pytest.MonkeyPatch,
    is_terminal: bool,
    no_color: str | None,
    log_format: LogFormat,
    human: bool,
    color: bool,
) -> None:
    """NO_COLOR switches them off; an empty one counts as unset (no-color.org)."""
    monkeypatch.setattr(sys, "stderr", Terminal(is_terminal=is_terminal))
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color is not None:
        monkeypatch.setenv("NO_COLOR", no_color)
    options: dict[str, Any] = log_options(LogSettings(format=log_format))
    assert (options["human"], options["color"]) == (human, color)
