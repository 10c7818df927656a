"""The outboxes' folder is checked, not changed."""

import asyncio
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from proxy.config.load import load
from proxy.config.model import Configuration
from proxy.store.folder import Folder
from proxy.store.place import store_folder
from proxy.trial.checks import CheckFailed, CheckResult, CheckStatus
from proxy.trial.folder_check import check_folder

TEXT = """
oauth_clients:
  orders: {{token_url: "https://as.example/t", client_id: c, client_secret: s}}
routes:
  - {{path: /a, upstream: "https://t.example/a", oauth_client: orders, outbox: {{}}}}
{store}
"""


@pytest.fixture(autouse=True)
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    """With 20 GiB."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=20 << 30))


async def configured(folder: Path, **store: str) -> Configuration:
    """With a store."""
    lines = "".join(f", {name}: {value}" for name, value in store.items()).removeprefix(", ")
    text = TEXT.format(store=f"store: {{{lines}}}" if store else "")
    (folder / "proxy.yaml").write_text(text)
    return await asyncio.to_thread(load, folder / "proxy.yaml", {})


async def examined(configuration: Configuration, environ: Mapping[str, str]) -> CheckResult:
    """As a proxy in this environment uses it."""
    folder = store_folder(configuration, environ)
    assert folder is not None
    return await check_folder(folder, configuration)


async def failure(configuration: Configuration, **environ: str) -> str:
    """Its reason."""
    with pytest.raises(CheckFailed) as failed:
        await examined(configuration, environ)
    return str(failed.value)


async def test_a_folder_that_is_missing_is_not_made(tmp_path: Path) -> None:
    """The proxy makes it."""
    folder = tmp_path / "a" / "b"
    result = await examined(await configured(tmp_path), {"STATE_DIRECTORY": str(folder)})
    assert result == (CheckStatus.OK, f"{folder}: will be created, 20.0 GiB free")
    assert not (tmp_path / "a").exists()


async def test_it_says_who_has_the_folder(tmp_path: Path) -> None:
    """Until that process ends."""
    configuration = await configured(tmp_path, path="store")
    folder = await Folder.open(tmp_path / "store", admin="127.0.0.1:9901")
    held = await examined(configuration, {})
    folder.close()
    free = await examined(configuration, {})
    who = f"in use by process {os.getpid()} (admin address 127.0.0.1:9901)"
    assert held == (CheckStatus.OK, f"{tmp_path / 'store'}: {who}, 20.0 GiB free")
    assert free == (CheckStatus.OK, f"{tmp_path / 'store'}: ready, 20.0 GiB free")
    (await Folder.open(tmp_path / "store", admin="")).close()


async def test_a_disk_with_too_little_room_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is full before its limit."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 10))
    result = await examined(await configured(tmp_path, path="store"), {})
    assert result.status is CheckStatus.WARNING
    assert "1.0 KiB are free, but outboxes may keep 10.0 GiB" in result.detail


async def test_a_folder_of_another_user_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may look at it."""
    (tmp_path / "store").mkdir()
    configuration = await configured(tmp_path, path="store")
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    assert "belongs to user" in await failure(configuration)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert (await examined(configuration, {})).status is CheckStatus.OK


async def test_a_folder_that_cannot_be_used_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file, or a read-only folder."""
    (tmp_path / "store").write_text("")
    assert "is not a folder" in await failure(await configured(tmp_path, path="store"))

    def refused(path: Any, mode: int) -> bool:
        del path, mode
        return False

    monkeypatch.setattr(os, "access", refused)
    assert "cannot write to" in await failure(await configured(tmp_path, path="other"))
