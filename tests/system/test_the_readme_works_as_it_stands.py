"""The commands of README.md, run as they stand in front of the sandbox of `make run`."""

import asyncio
import fcntl
import re
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.system.command import ROOT, Command

PORTS = (8080, 9901, 9443, 9444, 9445, 9446)


def blocks() -> list[str]:
    """The fenced shell blocks that call something on this machine."""
    found: list[str] = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    return [block for block in found if "curl" in block and "127.0.0.1" in block]


def taken(port: int) -> bool:
    """Whether somebody listens there already."""
    with socket.socket() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


@pytest.fixture
async def alone() -> AsyncIterator[None]:
    """One at a time on this machine: two would take the ports from each other."""
    with await asyncio.to_thread(Path(tempfile.gettempdir(), "cpi-oauth-proxy-ports.lock").open, "w") as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
async def served(alone: None, tmp_path: Path) -> AsyncIterator[Command]:
    """What `make run` starts, at its own ports, with its files in the test's folder."""
    del alone
    if in_use := [port for port in PORTS if taken(port)]:
        pytest.skip(f"the README's ports are taken: {in_use}")
    (tmp_path / "config").mkdir()
    shutil.copy(ROOT / "config" / "sandbox.yaml", tmp_path / "config")
    async with Command("sandbox", "--proxy", "config/sandbox.yaml", cwd=tmp_path) as command:
        await command.prints(r".*Ctrl-C ends.*")
        yield command


@pytest.mark.needs("curl")
async def test_each_block_does_what_it_says(served: Command) -> None:
    """All succeed; a POST gets the flow's answer."""
    assert len(blocks()) >= 4
    for block in blocks():
        process = await asyncio.create_subprocess_exec(
            *("sh", "-eu", "-c", block),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
        assert process.returncode == 0, (block, errors.decode())
        assert "HTTP/1.1 200" in output.decode(), (block, output.decode())
        if expected := answer_to(block):
            assert expected in output.decode(), (block, output.decode())
    assert not [line for line in served.errors if " error " in line]


def answer_to(block: str) -> str:
    """What the flow answers to the message in a block: the product, or the message itself; nothing to a fetch."""
    message = re.search(r" -d '([{<].*?)'", block)
    if message is None:
        return ""
    return "Photo Scan" if "HT-1080" in message[1] else message[1]


async def test_the_tour_shows_the_example_first(served: Command) -> None:
    """Fetch, post, and the post of a sender that knows nothing of CSRF: three answers, all good."""
    answers = [line for line in served.output if line.startswith("  answer")]
    assert [line.split()[1] for line in answers] == ["200", "200", "200"]
    assert sum("Photo Scan" in line for line in answers) == 2
