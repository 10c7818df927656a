"""`console` prints the URL of the proxy that the same user runs, and says what to do if there is none."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientSession, CookieJar, web

from tests.cases import cases
from tests.system.command import ROOT, Command, Finished, free_port
from tests.system.forked import Forked
from tests.system.terminal import Terminal

DOCUMENT = """
listen: 127.0.0.1:0
admin: {admin}
oauth_clients:
  a: {{token_url: "http://127.0.0.1:1/t", client_id: a, client_secret: s}}
routes:
  - {{path: /elsewhere, upstream: "http://127.0.0.1:1", oauth_client: a}}
"""


@pytest.fixture
def port() -> int:
    """The port of the admin address."""
    return free_port()


def configured(folder: Path, admin: str) -> Path:
    """A configuration."""
    path = folder / "proxy.yaml"
    path.write_text(DOCUMENT.format(admin=admin))
    return path


def started(folder: Path) -> Command:
    """`run`, with a runtime folder of the user."""
    return Command("run", "-c", str(folder / "proxy.yaml"), XDG_RUNTIME_DIR=str(folder))


async def console(folder: Path, *words: str, **variables: str) -> Finished:
    """`console`, to its end."""
    given = {"XDG_RUNTIME_DIR": str(folder)} | variables
    async with Command("console", *words, "-c", str(folder / "proxy.yaml"), cwd=ROOT, **given) as command:
        return await command.ends()


async def status(url: str) -> list[int]:
    """What a browser gets that opens the URL."""
    jar = CookieJar(unsafe=True)  # hosts that are addresses, too
    async with ClientSession(cookie_jar=jar) as session, session.get(url) as answer:
        return [*(each.status for each in answer.history), answer.status]


@pytest.fixture
async def running(tmp_path: Path, port: int) -> AsyncIterator[Command]:
    """A running proxy."""
    configured(tmp_path, f"127.0.0.1:{port}")
    async with started(tmp_path) as command:
        await command.logs("proxy.started")
        yield command


async def test_the_url_opens_the_console(running: Command, tmp_path: Path, port: int) -> None:
    """Its token is in nothing that `run` has written to a pipe."""
    done = await console(tmp_path)
    assert (done.status, done.errors) == (0, "")
    token = urlsplit(done.output).query.removeprefix("token=")
    assert done.output == f"http://127.0.0.1:{port}/console/?token={token}"
    assert await status(done.output) == [303, 200]
    assert token not in "\n".join([*running.errors, *running.output])
    await running.stop()
    assert list((tmp_path / "cpi-oauth-proxy").iterdir()) == []


@pytest.mark.usefixtures("running")
async def test_the_browser_gets_a_code_and_not_the_token(tmp_path: Path) -> None:
    """The code opens the console once."""
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    browser.chmod(0o700)
    done = await console(tmp_path, "--open", BROWSER=str(browser))
    assert done.status == 0, done.errors
    opened = (tmp_path / "opened").read_text().strip()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/console/\?token=[\w-]{43}", opened)
    assert opened != done.output
    assert await status(opened) == [303, 200]
    assert await status(opened) == [401]


@pytest.mark.usefixtures("running")
async def test_without_a_browser_the_url_is_printed(tmp_path: Path) -> None:
    """And the status is 1."""
    done = await console(tmp_path, "--open", BROWSER="/nonexistent", PATH="/nonexistent")
    assert (done.status, done.errors) == (1, "No browser could be opened; open the URL yourself.")
    assert await status(done.output) == [303, 200]


async def test_a_token_file_counts(tmp_path: Path, port: int) -> None:
    """Others may read it; its signs are encoded."""
    (tmp_path / "token").write_text("0123456789+/abc==\n")
    configured(tmp_path, f"{{address: 'localhost:{port}', token_file: token}}")
    async with started(tmp_path) as command:
        await command.logs("proxy.started")
        done = await console(tmp_path)
    assert (done.status, done.output) == (0, f"http://localhost:{port}/console/?token=0123456789%2B%2Fabc%3D%3D")


@pytest.mark.usefixtures("running")
async def test_another_user_is_told_so(tmp_path: Path) -> None:
    """A token that cannot be read is as none."""
    (file,) = (tmp_path / "cpi-oauth-proxy").iterdir()
    file.chmod(0o644)
    done = await console(tmp_path, TMPDIR=str(tmp_path))
    assert (done.status, done.output) == (1, "")
    assert "it accepts no token that this user can read. Run this command as the user of the proxy" in done.errors


async def test_a_unix_socket_needs_a_forwarded_port(tmp_path: Path) -> None:
    """The commands are printed; nothing can be opened."""
    configured(tmp_path, "unix:admin socket")
    async with started(tmp_path) as command:
        await command.logs("proxy.started")
        done = await console(tmp_path)
        assert (await console(tmp_path, "--open")).status == 1
    assert done.status == 0
    assert f"UNIX-CONNECT:'{tmp_path}/admin socket'" in done.output
    assert f"ssh -N -L 9901:'{tmp_path}/admin socket' USER@HOST" in done.output
    assert re.search(r"^  http://127\.0\.0\.1:9901/console/\?token=[\w-]{43}$", done.output, re.MULTILINE)


@cases(
    "admin, told",
    ("127.0.0.1:PORT", "No proxy answers at 127.0.0.1:PORT. Start it with `cpi-oauth-proxy run`"),
    ("unix:nowhere", "No proxy answers at unix:"),
    (
        "0.0.0.0:PORT",
        "Other machines can reach the admin address 0.0.0.0:PORT, so it has neither console nor outbox",
    ),
    ("127.0.0.1:0", "The admin address 127.0.0.1:0 gets a different port at each start"),
)
async def test_without_a_proxy_it_says_what_to_do(tmp_path: Path, port: int, admin: str, told: str) -> None:
    """On standard error, with status 1."""
    configured(tmp_path, admin.replace("PORT", str(port)))
    done = await console(tmp_path)
    assert (done.status, done.output) == (1, "")
    assert done.errors.startswith(told.replace("PORT", str(port)))


@pytest.mark.measured
async def test_run_shows_the_url_on_its_terminal_and_again_when_it_has_changed(tmp_path: Path, port: int) -> None:
    """After a reload with another token or admin address; the URL that it has opens the console."""
    (tmp_path / "token").write_text("0123456789abcdef")
    (tmp_path / "other").write_text("fedcba9876543210")
    moved = free_port()
    configurations = [
        (f"127.0.0.1:{port}", "token", f"{port}/console/?token=0123456789abcdef"),
        (f"127.0.0.1:{port}", "other", f"{port}/console/?token=fedcba9876543210"),
        (f"127.0.0.1:{port}", "other", None),
        (f"127.0.0.1:{moved}", "other", f"{moved}/console/?token=fedcba9876543210"),
    ]
    configured(tmp_path, f"{{address: '127.0.0.1:{port}', token_file: token}}")
    ours, theirs = os.openpty()
    terminal = Terminal(ours)
    process = await Forked.start(
        *("run", "-c", str(tmp_path / "proxy.yaml")),
        cwd=ROOT,
        environ={**os.environ, "NO_COLOR": "1"},
        streams=(os.open(os.devnull, os.O_RDONLY), os.open(os.devnull, os.O_WRONLY), theirs),
    )
    try:
        for admin, token, url in configurations:
            configured(tmp_path, f"{{address: '{admin}', token_file: {token}}}")
            if terminal.shown:
                process.send_signal(signal.SIGHUP)
            await terminal.shows("config.reloaded" if terminal.shown else "proxy.started")
            if url:
                found = await terminal.shows(r"Console: (\S+)")
                assert found[1] == f"http://127.0.0.1:{url}"
                assert await status(found[1]) == [303, 200]
    finally:
        process.send_signal(signal.SIGTERM)
        await terminal.end()
    assert await process.wait() == 0
    assert terminal.shown.count("Console: ") == 3


async def test_another_program_gets_no_token(tmp_path: Path) -> None:
    """It could be another user's."""
    seen: list[str] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        seen.extend(request.headers.getall("Authorization", []))
        return web.Response()

    server = web.Server(answer)
    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    (tmp_path / "token").write_text("0123456789abcdef")
    port = listening.sockets[0].getsockname()[1]
    configured(tmp_path, f"{{address: '127.0.0.1:{port}', token_file: token}}")
    async with listening:
        done = await console(tmp_path)
        await server.shutdown()
    assert (done.status, done.errors) == (
        1,
        f"Another program answers at 127.0.0.1:{port}. Stop it, or change `admin`.",
    )
    assert seen == []
