"""Whatever happens to the process or its disk. Bugs that are planted on purpose show that each proof can fail."""

import itertools
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cases import cases, grouped_cases
from tests.system.disk.claims import broken_claims
from tests.system.disk.failing import ROOT, FailingDisk, compile_shim
from tests.system.disk.power_failure import disk_after, steps_of
from tests.system.disk.workload import ENDED, keys_of
from tests.system.proving import ALL

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the disk that fails is made for Linux")

SHARES = (0.0, 0.5, 1.0)
"Of what was not synced."
KILLS = 200 if ALL else 10
STRIDE = 1 if ALL else 16
"Every how many steps one is tried; the first are others for each kind of keys."


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The disk that fails."""
    return compile_shim(tmp_path_factory.mktemp("shim"))


@pytest.fixture
def disk(library: Path, tmp_path: Path) -> Iterator[FailingDisk]:
    """In memory if possible, because the test's own processes sync too."""
    folder = Path("/dev/shm") / f"outbox-{os.getpid()}-{tmp_path.name}"
    if not os.access(folder.parent, os.W_OK):
        folder = tmp_path / "disk"
    folder.mkdir()
    yield FailingDisk(library, folder)
    shutil.rmtree(folder)


def after_power_failures(disk: FailingDisk, keys: str, stride: int, first: int = 0) -> Iterator[str]:
    """Each broken promise if the power fails after some of the steps."""
    steps = list(steps_of(disk.log.read_bytes()))
    chance = random.Random(1)
    image = disk.folder / "image"
    for state in itertools.islice(disk_after(steps, disk.outbox), first, None, stride):
        for share in SHARES:
            image.mkdir()
            state.image(image, chance, share)
            yield from broken_claims(image, state.acks, keys_of(keys))
            shutil.rmtree(image)


@pytest.mark.needs("C compiler")
@pytest.mark.timeout(1800 if ALL else 120)
@cases("keys", "plain", "encrypted")
def test_nothing_is_lost_if_the_power_fails(disk: FailingDisk, keys: str) -> None:
    """Wholly or in parts."""
    disk.work("--keys", keys)
    assert list(after_power_failures(disk, keys, STRIDE, first=len(keys) % STRIDE)) == []


@pytest.mark.needs("C compiler")
@grouped_cases(
    "found, plant",
    ("was accepted and is lost", ["normal-instead-of-full", "answer-before-commit"]),
    ("the outbox cannot be read", ["unlink-before-commit", "body-not-synced", "folder-not-synced"]),
)
def test_a_bug_is_found_if_the_power_fails(disk: FailingDisk, plant: str, found: str) -> None:
    """So the test before this one can fail."""
    disk.work("--plant", plant)
    assert any(found in each for each in after_power_failures(disk, "plain", 3))


def after_failed_sync(disk: FailingDisk, number: int, stride: int, *arguments: str) -> Iterator[str]:
    """Each broken promise if one sync fails, and later the power."""
    disk.work("--fail-sync", number, *arguments)
    steps = list(steps_of(disk.log.read_bytes()))
    failed = [at for at, step in enumerate(steps) if step.kind == "F"]
    assert len(failed) == 1
    return after_power_failures(disk, "plain", stride, first=failed[0] + 1)


@pytest.mark.needs("C compiler")
@pytest.mark.timeout(1800 if ALL else 120)
@cases("number", *range(0, 60, 1 if ALL else 14))
def test_nothing_is_lost_after_a_sync_that_failed(disk: FailingDisk, number: int) -> None:
    """The outbox goes on by itself."""
    assert list(after_failed_sync(disk, number, STRIDE * 3)) == []


@pytest.mark.needs("C compiler")
@cases("plant", "failed-commit-ignored", "failed-sync-of-a-body-ignored")
def test_a_bug_is_found_by_a_sync_that_fails(disk: FailingDisk, plant: str) -> None:
    """So the test before this one can fail."""
    for number in range(16, 60, 4):
        if next(after_failed_sync(disk, number, 10, "--plant", plant), None):
            return
        shutil.rmtree(disk.outbox)
        disk.log.unlink()
    pytest.fail("nothing was found")


def after_ends(disk: FailingDisk, first: int, *arguments: str, keys: str = "plain") -> Iterator[str]:
    """Each broken promise if the process ends before some of its steps."""
    ended = disk.run("workload", "--keys", keys, *arguments, "--end-at", *range(first, 800, STRIDE))
    assert ended.returncode == 0, ended.stderr
    statuses = {step: int(status) for step, status in map(str.split, ended.stdout.splitlines())}
    assert set(statuses.values()) == {0, ENDED}  # some steps are never reached
    for step in statuses:
        folder = disk.outbox / step
        yield from broken_claims(folder, (folder / "acks").read_bytes(), keys_of(keys))


@pytest.mark.needs("C compiler")
@pytest.mark.timeout(1800 if ALL else 120)
@cases("keys", "plain", "encrypted")
def test_nothing_is_lost_if_the_process_ends_at_a_step(disk: FailingDisk, keys: str) -> None:
    """In the outbox's own code and in SQLite's."""
    assert list(after_ends(disk, 1 + len(keys) % STRIDE, keys=keys)) == []


@pytest.mark.needs("C compiler")
@cases("plant", "answer-before-commit", "unlink-before-commit")
def test_a_bug_is_found_if_the_process_ends_at_a_step(disk: FailingDisk, plant: str) -> None:
    """So the test before this one can fail. Threads decide which steps lie between the two that are exchanged."""
    for first in range(1, 1 + STRIDE):
        if next(after_ends(disk, first, "--plant", plant), None):
            return
        shutil.rmtree(disk.outbox)
    pytest.fail("nothing was found")


@pytest.mark.timeout(1800 if ALL else 120)
def test_nothing_is_lost_if_the_process_is_killed(tmp_path: Path) -> None:
    """Again and again, with what the killed ones have left."""
    assert killed(tmp_path, KILLS, "") == f"{KILLS} were killed\n"


def test_a_bug_is_found_if_the_process_is_killed(tmp_path: Path) -> None:
    """So the test before this one can fail."""
    assert "was accepted and is lost" in killed(tmp_path, 30, "answer-before-commit")


def killed(folder: Path, times: int, plant: str) -> str:
    """Which promises are broken after processes were killed."""
    command = [sys.executable, "-m", "tests.system.disk.killing", str(folder), str(times), plant]
    return subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, check=True).stdout


@pytest.mark.needs("C compiler")
def test_a_full_disk_stops_acceptance_only(disk: FailingDisk) -> None:
    """What was accepted is delivered, and then there is room again."""
    ended = disk.run("full_disk", "")
    assert ended.returncode == 0, ended.stderr


@pytest.mark.needs("C compiler")
def test_a_bug_is_found_by_a_full_disk(disk: FailingDisk) -> None:
    """Without room in reserve nothing can be delivered."""
    ended = disk.run("full_disk", "no-reserve")
    assert "the disk is full" in ended.stderr
    assert ended.returncode == 1
