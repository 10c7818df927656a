"""Following files."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from proxy.config.following import Following
from tests.fakes.looks import Looks


@asynccontextmanager
async def following(path: Path) -> AsyncIterator[tuple[Looks, list[str], list[type[Exception]]]]:
    """Follow a file that holds a word; yields what lets it look, the words, and what could not be read."""
    looks, words, faults = Looks(), list[str](), list[type[Exception]]()

    def read() -> str:
        text = path.read_text()
        if not text.isalpha():
            raise ValueError("is no word")
        return text

    follower = Following(
        (path,),
        read=read,
        taken=words.append,
        unreadable=lambda error: faults.append(type(error)),
        sleep=looks.sleep,
    )
    follower.start()
    await looks.first()
    yield looks, words, faults
    await follower.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Hold a word."""
    path = tmp_path / "word"
    path.write_text("one")
    return path


async def test_each_content_is_told_once(file: Path) -> None:
    """The first too; looks are five seconds apart."""
    async with following(file) as (looks, words, faults):
        await looks.another()
        file.write_text("two")
        await looks.another()
        await looks.another()
    assert (words, faults, set(looks.pauses)) == (["one", "two"], [], {5.0})


async def test_what_is_wrong_is_told_until_it_is_right(file: Path) -> None:
    """What was taken before stays."""
    async with following(file) as (looks, words, faults):
        file.write_text("!")
        await looks.another()
        file.unlink()
        await looks.another()
        file.write_text("three")
        await looks.another()
    assert (words, faults) == (["one", "three"], [ValueError, FileNotFoundError])
