"""What is indented keeps its meaning; what is hidden is shown."""

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.cases import cases
from tests.fakes.console_api import ConsoleApi


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """One for all of these tests: the functions that they call change nothing."""
    api = ConsoleApi()
    await api.start()
    page = await browser.new_page()
    await page.goto(api.url)
    yield page
    await page.context.close()
    await api.stop()


async def call(page: Page, module: str, name: str, *values: object) -> Any:
    """Of a module of the pages."""
    script = "async ([path, name, values]) => (await import(path))[name](...values)"
    return await page.evaluate(script, [f"/console/{module}", name, list(values)])


@cases(
    "text, shown",
    ('{"a":12345678901234567890.10,"a":[],"b":{}}', '{\n  "a": 12345678901234567890.10,\n  "a": [],\n  "b": {}\n}'),
    ('["{,}:\\"",1e400]', '[\n  "{,}:\\"",\n  1e400\n]'),
    ('{"a":', None),
    ("<a><b>1</b><c/><d><![CDATA[<]]></d></a>", "<a>\n  <b>1</b>\n  <c/>\n  <d><![CDATA[<]]></d>\n</a>"),
    ("<p>one <b>two</b> three</p>", "<p>one <b>two</b> three</p>"),
    ('<?xml version="1.0"?><a> <b/> </a>', '<?xml version="1.0"?>\n<a>\n  <b/>\n</a>'),
    ("<a></b></c>", None),
    ("UNA:+.? 'UNB+", None),
)
async def test_indenting_changes_white_space_only(page: Page, text: str, shown: str | None) -> None:
    """Digits, repeated names and mixed content stay; what is not well-formed, too."""
    assert await call(page, "text/indent.js", "indented", text, "") == shown


async def test_hidden_characters_are_shown(page: Page) -> None:
    """Controls, bidirectional overrides, no width; a body keeps tabs and line ends."""
    shown = await call(page, "text/visible.js", "visibleBody", "a\0b\x7f\x85\u202e\u200b\ufeff\U000e0041\r\nc\td\re")
    assert shown == "a␀b␡⟨U+0085⟩⟨U+202E⟩⟨U+200B⟩⟨U+FEFF⟩⟨U+E0041⟩\nc\td␍e"
    assert await call(page, "text/visible.js", "visibleLine", "Grüße 😀\n\t") == "Grüße 😀␊␉"


async def test_times_and_sizes_are_readable(page: Page) -> None:
    """In the unit that fits."""
    durations = [await call(page, "text/units.js", "duration", each) for each in (0, 0.0042, 0.25, 1.5, 125)]
    assert durations == ["0 ms", "4.2 ms", "250 ms", "1.50 s", "2 min 5 s"]
    clocks = [await call(page, "text/units.js", "countdown", each) for each in (-1, 59.5, 3600, 3 * 86400)]
    assert clocks == ["0:00", "1:00", "1:00:00", "3 days"]
    sizes = [await call(page, "text/units.js", "size", each) for each in (1, 1023, 4300, 5 << 20, 3 << 30)]
    assert sizes == ["1 byte", "1023 bytes", "4.2 KiB", "5.0 MiB", "3.0 GiB"]


async def test_commands_are_quoted_for_a_shell(page: Page) -> None:
    """A word stays one, whatever is in it."""
    assert await call(page, "text/command.js", "quoted", "it's $HOME") == "'it'\\''s $HOME'"
    assert await call(page, "text/command.js", "quoted", "http://127.0.0.1:8080/a-b") == "http://127.0.0.1:8080/a-b"
