"""A running proxy's token."""

import asyncio
import threading
from pathlib import Path
from typing import Any

from proxy.admin.access import AdminAccess
from proxy.admin.admin_token import GeneratedToken
from proxy.admin.token_place import TokenFolder
from proxy.config.file_threads import FileThreads
from proxy.config.model import Address
from tests.fakes.clock import HandClock
from tests.flow.running import until

ADDRESS = Address(host="127.0.0.1", port=9901)


class Log:
    """Of warnings."""

    def __init__(self) -> None:
        self.details: list[str] = []

    def warning(self, event: str, *, detail: str) -> None:
        assert event == "admin_token.unwritable"
        self.details.append(detail)


def generated(folder: Path, log: Any, **words: Any) -> GeneratedToken:
    """With one place."""
    return GeneratedToken([TokenFolder(folder)], log, **words)


async def test_a_file_that_cannot_be_removed_is_told(tmp_path: Path) -> None:
    """The stop goes on, and asks once."""
    log, access = Log(), AdminAccess(HandClock().monotonic)
    token = generated(tmp_path, log)
    await token.start(access, ADDRESS)
    assert access.token is not None
    (file,) = tmp_path.iterdir()
    file.chmod(0o644)
    await token.close()
    await token.close()
    (detail,) = log.details
    assert detail.startswith("Its file cannot be removed: ")
    assert access.token not in detail


async def test_a_place_that_hangs_is_given_up(tmp_path: Path, monkeypatch: Any) -> None:
    """What is written later goes at the stop."""
    log, access, go = Log(), AdminAccess(HandClock().monotonic), threading.Event()

    def slow(places: list[TokenFolder], name: str, token: str) -> TokenFolder:
        go.wait()
        (tmp_path / name).write_text(token)
        (tmp_path / name).chmod(0o600)
        return places[0]

    monkeypatch.setattr("proxy.admin.admin_token.write_token", slow)
    token = generated(tmp_path, log, threads=FileThreads(limit=0.01))
    await token.start(access, ADDRESS)
    assert access.token is None
    assert len(log.details) == 1
    go.set()
    await until(lambda: token._place)
    token._threads = FileThreads()
    await asyncio.wait_for(token.close(), 60)
    assert list(tmp_path.iterdir()) == []
