"""Where a body goes, and what a proxy of another version is told as."""

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, web

from proxy.cli.outbox.api import OutboxApi, Refused
from proxy.cli.outbox.export import SHOWN, export_body


class FewMessages:
    """An API with one message."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces

    async def message(self, _: str) -> dict[str, Any]:
        return {"fields": [["Content-Type", "application/json; charset=utf-8"]]}

    async def body(self, _: str) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


def shown(monkeypatch: pytest.MonkeyPatch, *pieces: bytes) -> None:
    """Exports a body to a terminal."""
    api: Any = FewMessages(*pieces)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    asyncio.run(export_body(api, "m1", None))


def test_a_terminal_shows_text(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Indented, and without what controls it."""
    shown(monkeypatch, b'{"a":', b'"\x1b[31m"}')
    assert "\x1b" not in capsys.readouterr().out


def test_a_terminal_shows_json_indented(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """As `send` does."""
    shown(monkeypatch, b'{"a":', b"1}")
    assert capsys.readouterr() == ('{\n  "a": 1\n}\n', "")


def test_a_terminal_shows_the_beginning(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """And that there is more."""
    shown(monkeypatch, b"x" * SHOWN, b"y")
    out, err = capsys.readouterr()
    assert out == "x" * SHOWN + "\n"
    assert err.startswith("Only the first 1048576 bytes are shown;")


async def test_an_answer_that_is_no_problem_document_is_told() -> None:
    """A proxy of another version has no such resource."""

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(status=404, text="404: Not Found")

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as session:
        with pytest.raises(Refused, match="The proxy answered 404: it may be another version") as refused:
            await OutboxApi(session).message("m1")
    await runner.cleanup()
    assert refused.value.status == 404
