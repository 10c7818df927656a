"""Room in reserve."""

import errno
from pathlib import Path

import pytest

from proxy.outbox.sqlite import reserve
from proxy.outbox.sqlite.reserve import Reserve


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reserve, "SIZE", 2 << 20)


def test_the_reserve_takes_room_until_it_is_released(tmp_path: Path) -> None:
    """And the next process finds it."""
    first = Reserve(tmp_path)
    assert first.make()
    assert first.make()
    assert (tmp_path / "reserve").stat().st_size == 2 << 20
    assert Reserve(tmp_path).make()
    first.release()
    assert not (tmp_path / "reserve").exists()


def test_one_that_was_cut_is_made_again(tmp_path: Path) -> None:
    """As after a crash while it was written."""
    (tmp_path / "reserve").write_bytes(b"x")
    assert Reserve(tmp_path).make()
    assert (tmp_path / "reserve").stat().st_size == 2 << 20


def test_without_twice_the_room_there_is_no_reserve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A next message would use it up."""
    monkeypatch.setattr("proxy.outbox.sqlite.disk.free_bytes", lambda _: (4 << 20) - 1)
    assert not Reserve(tmp_path).make()


def test_a_disk_that_fails_leaves_no_part_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried again later."""
    made = Reserve(tmp_path)

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("proxy.outbox.sqlite.disk.sync", fail)
        assert not made.make()
        assert list(tmp_path.iterdir()) == []
        patch.setattr("proxy.outbox.sqlite.disk.remove", fail)
        made.release()
    assert made.make()


def test_room_for_files_is_what_the_disk_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless the disk does not say."""
    made = Reserve(tmp_path)
    monkeypatch.setattr("proxy.outbox.sqlite.disk.free_bytes", lambda _: 100)
    assert (made.has_room(100), made.has_room(101)) == (True, False)

    def fail(_: Path) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("proxy.outbox.sqlite.disk.free_bytes", fail)
    assert made.has_room(1 << 40)
