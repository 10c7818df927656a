"""The folder of one process."""

import asyncio
import os
import stat
from pathlib import Path

import pytest

from proxy.store.folder import Folder, FolderInUse, folder_of
from tests.cases import cases


@cases(
    "path, environ, expected",
    ("/srv/outbox", {"STATE_DIRECTORY": "/var/lib/p"}, "/srv/outbox"),
    (None, {"STATE_DIRECTORY": "/var/lib/p:/var/lib/q", "XDG_STATE_HOME": "/x"}, "/var/lib/p"),
    (None, {"STATE_DIRECTORY": "", "XDG_STATE_HOME": "/x"}, "/x/cpi-oauth-proxy"),
    (None, {"XDG_STATE_HOME": "relative"}, "~/.local/state/cpi-oauth-proxy"),
    (None, {}, "~/.local/state/cpi-oauth-proxy"),
)
def test_the_first_folder_that_is_given_counts(path: str | None, environ: dict[str, str], expected: str) -> None:
    """Then systemd's, then that of the user."""
    assert folder_of(Path(path) if path else None, environ) == Path(expected).expanduser()


async def test_the_folder_is_made_for_its_user_only(tmp_path: Path) -> None:
    """Whatever its rights were."""
    path = tmp_path / "a" / "b"
    for _ in range(2):
        folder = await Folder.open(path, admin="127.0.0.1:9901")
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
        assert stat.S_IMODE((path / "lock").stat().st_mode) == 0o600
        assert repr(folder) == f"<Folder {path}>"
        folder.close()
        folder.close()
        path.chmod(0o755)


async def test_a_second_process_is_told_who_has_the_folder(tmp_path: Path) -> None:
    """With the admin address."""
    folder = await Folder.open(tmp_path, admin="127.0.0.1:9901")
    with pytest.raises(FolderInUse) as caught:
        await Folder.open(tmp_path, admin="other")
    assert str(caught.value) == (
        f"the folder {tmp_path} is in use by process {os.getpid()} (admin address 127.0.0.1:9901); "
        "stop it, or give each process its own store.path"
    )
    folder.close()


async def test_a_folder_is_handed_over(tmp_path: Path) -> None:
    """To a process that waits for it."""
    old = await Folder.open(tmp_path, admin="old")
    waiting = asyncio.ensure_future(Folder.open(tmp_path, admin="new", wait=60))
    await asyncio.sleep(0)
    old.close()
    new = await waiting
    assert (tmp_path / "lock").read_text() == f"process {os.getpid()} (admin address new)"
    new.close()


async def test_a_wait_for_the_folder_ends(tmp_path: Path) -> None:
    """A late lock is given back."""
    old = await Folder.open(tmp_path, admin="old")
    with pytest.raises(FolderInUse, match=r"admin address old"):
        await Folder.open(tmp_path, admin="late", wait=0.01)
    old.close()
    again = await Folder.open(tmp_path, admin="again", wait=60)
    again.close()


async def test_a_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What to do is said."""
    monkeypatch.setattr("os.geteuid", lambda: os.getuid() + 1)
    with pytest.raises(PermissionError, match=r"change its owner, or name a folder within it as store.path"):
        await Folder.open(tmp_path, admin="")


async def test_a_lock_that_cannot_be_taken_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some network file systems have none."""

    def fail(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", fail)
    with pytest.raises(OSError, match="No locks available"):
        await Folder.open(tmp_path, admin="")
