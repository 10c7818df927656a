"""The keys file of the store is read again when it changes, and by a reload; what is kept can always be read."""

from pathlib import Path

import pytest

from proxy.errors import OutboxUnavailable
from proxy.outbox.sqlite.store import SqliteOutbox
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.upstream import Upstream
from tests.flow.outbox import accepted, delivered, outbox_document, store_of
from tests.flow.running import Document, Running, Serve
from tests.unit.store.test_keys import FIRST, OLD, ROTATED, SECOND

ROTATION = SECOND + b"\n" + FIRST


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    """One key."""
    path = tmp_path / "keys"
    path.write_bytes(FIRST)
    path.chmod(0o600)
    return path


@pytest.fixture
def encrypted(upstream: Upstream, authority: AuthorizationServer, tmp_path: Path, keys_file: Path) -> Document:
    """An outbox with keys."""
    found = outbox_document(upstream, authority, tmp_path)
    return found | {"store": {**found["store"], "keys_file": str(keys_file)}}


@pytest.fixture
async def proxy(serve: Serve, encrypted: Document) -> Running:
    """A proxy with it."""
    return await serve(encrypted)


async def held(proxy: Running) -> None:
    """Have a message kept."""
    await store_of(proxy).hold("orders")
    await accepted(proxy)


async def look(proxy: Running) -> None:
    """Have the proxy look at the file now."""
    watcher = proxy.app.message_store._keys
    assert watcher is not None
    await watcher.look()


def keys_of(proxy: Running) -> tuple[bytes, ...]:
    """The ids of the keys that are used."""
    store = store_of(proxy)
    assert isinstance(store, SqliteOutbox)
    return store.keys.ids


async def test_new_keys_are_used_without_a_restart(serve: Serve, encrypted: Document, keys_file: Path) -> None:
    """The log tells it once."""
    proxy = await serve(encrypted)
    await held(proxy)
    keys_file.write_bytes(ROTATION)
    await look(proxy)
    await proxy.lines.reach("store.keys_changed")
    assert keys_of(proxy) == ROTATED.ids
    await look(proxy)
    await store_of(proxy).resume("orders")
    await delivered(proxy)
    assert len(proxy.lines.named("store.keys_changed")) == 1


async def test_keys_that_are_needed_stay(proxy: Running, keys_file: Path) -> None:
    """A file without them is not used."""
    await held(proxy)
    keys_file.write_bytes(SECOND)
    await look(proxy)
    (line,) = await proxy.lines.reach("store.keys_rejected")
    assert OLD.ids[0].hex() in line["detail"]
    assert keys_of(proxy) == OLD.ids
    keys_file.write_bytes(ROTATION)
    await look(proxy)
    await proxy.lines.reach("store.keys_changed")
    assert keys_of(proxy) == ROTATED.ids


async def test_a_file_without_keys_changes_nothing(proxy: Running, keys_file: Path) -> None:
    """The log shows nothing of it."""
    keys_file.write_bytes(FIRST + b"\ncAnAryPlain")
    await look(proxy)
    (line,) = await proxy.lines.reach("store.keys_rejected")
    assert f"{keys_file}: line 2" in line["detail"]
    assert keys_of(proxy) == OLD.ids


async def test_a_store_that_fails_keeps_its_keys(
    serve: Serve, encrypted: Document, keys_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reload is rejected."""
    proxy = await serve(encrypted)

    async def fail(*_: object) -> None:
        raise OutboxUnavailable("The disk fails.", retry_after=1)

    monkeypatch.setattr(SqliteOutbox, "replace_keys", fail)
    keys_file.write_bytes(ROTATION)
    await look(proxy)
    (line,) = await proxy.lines.reach("store.keys_rejected")
    assert "The disk fails." in line["detail"]
    with pytest.raises(OSError, match="The disk fails"):
        await proxy.reload(encrypted)
    assert keys_of(proxy) == OLD.ids


async def test_a_reload_uses_another_file(serve: Serve, encrypted: Document, keys_file: Path) -> None:
    """It is watched from then on."""
    proxy = await serve(encrypted)
    await held(proxy)
    other = keys_file.with_name("other")
    other.write_bytes(ROTATION)
    other.chmod(0o600)
    await proxy.reload(encrypted | {"store": {**encrypted["store"], "keys_file": str(other)}})
    await proxy.lines.reach("store.keys_changed")
    assert keys_of(proxy) == ROTATED.ids
    other.write_bytes(FIRST)
    await look(proxy)
    await proxy.lines.reach("store.keys_changed", 2)
    assert keys_of(proxy) == OLD.ids
    with pytest.raises(ValueError, match="add these keys again"):
        await proxy.reload(encrypted | {"store": {"path": encrypted["store"]["path"]}})
    assert keys_of(proxy) == OLD.ids


async def test_changes_follow_each_other(proxy: Running, keys_file: Path) -> None:
    """The last one counts."""
    for content in (ROTATION, SECOND):
        keys_file.write_bytes(content)
        await look(proxy)
    await proxy.lines.reach("store.keys_changed", 2)
    assert keys_of(proxy) == ROTATED.ids[:1]
