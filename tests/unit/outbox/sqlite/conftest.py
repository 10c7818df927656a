"""A store in a folder of the test, plain and encrypted."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from proxy.outbox.sqlite.store import SqliteOutbox
from proxy.store.keys import Keys
from tests.fakes.clock import HandClock
from tests.unit.outbox.store_contract import NOW, Opened
from tests.unit.store.test_keys import ROTATED


@pytest.fixture
def clock() -> HandClock:
    """The clock of the store."""
    return HandClock(wall=NOW)


@pytest.fixture(params=["plain", "encrypted"])
def keys(request: pytest.FixtureRequest) -> Keys:
    """The keys of the store."""
    return ROTATED if request.param == "encrypted" else Keys()


@pytest.fixture
def opened(tmp_path: Path, clock: HandClock, keys: Keys) -> Opened:
    """Opens the store, and closes it."""

    @asynccontextmanager
    async def open_() -> AsyncIterator[SqliteOutbox]:
        store = await SqliteOutbox.open(tmp_path, keys=keys, clock=clock)
        try:
            yield store
        finally:
            await store.close()

    return open_


@pytest.fixture
async def store(opened: Opened) -> AsyncIterator[SqliteOutbox]:
    """A store that is open."""
    async with opened() as store:
        assert isinstance(store, SqliteOutbox)
        yield store


@pytest.fixture(autouse=True, scope="session")
def _small_reserve() -> Iterator[None]:
    """Each store would write 16 MiB."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("proxy.outbox.sqlite.reserve.SIZE", 1 << 20)
        yield
