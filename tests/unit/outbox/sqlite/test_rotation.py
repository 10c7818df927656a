"""Keys that are added, and keys that are gone."""

from pathlib import Path
from typing import Any

import pytest

from proxy.errors import MessageIdReused, OutboxUnavailable
from proxy.outbox.message import DeadLetterCode, MessageState
from proxy.outbox.sqlite.database import KeysNeeded
from proxy.outbox.sqlite.store import SqliteOutbox
from proxy.store.keys import Keys
from tests.cases import cases
from tests.fakes.clock import HandClock
from tests.unit.outbox.store_contract import LARGE, NOW, HeldBody, accept, message, octets, take, taken
from tests.unit.store.test_keys import OLD, ROTATED

GIVEN: dict[str, Any] = {
    "sender_id": b"the-sender's-id",
    "remember": 60.0,
    "content_hash": b"hash-of-the-content",
    "target": b"/the-target",
    "fields": (b"X-Field: the-value",),
    "order": b"the-order",
}


async def opened(folder: Path, keys: Keys) -> SqliteOutbox:
    """A store of this folder."""
    return await SqliteOutbox.open(folder, keys=keys, clock=HandClock(wall=NOW))


@cases("before", {"plain": Keys(), "old": OLD})
async def test_what_was_kept_before_a_key_was_added_goes_on(tmp_path: Path, before: Keys) -> None:
    """It stays first in its order."""
    store = await opened(tmp_path, before)
    first = await accept(store, **GIVEN, body=LARGE)
    await store.replace_keys(ROTATED)
    second = await accept(store, **{**GIVEN, "sender_id": b"other"}, body=b"small")
    assert (await store.accept(message(**GIVEN), max_messages=9, max_bytes=9)).id == first
    await store.close()
    store = await opened(tmp_path, ROTATED)
    with pytest.raises(MessageIdReused):
        await accept(store, **{**GIVEN, "content_hash": b"other"})
    (found,) = await take(store)
    assert (found.id, await octets(found.body)) == (first, LARGE)
    await store.delivered(first)
    assert await taken(store) == [second]
    await store.close()


async def test_a_key_that_is_needed_cannot_be_left_out(tmp_path: Path) -> None:
    """Nothing is lost."""
    store = await opened(tmp_path, OLD)
    id_ = await accept(store, **GIVEN)
    needs = f"key ids {OLD.current_id.hex()}\\); nothing is lost: add these keys again"
    with pytest.raises(KeysNeeded, match=needs):
        await store.replace_keys(Keys())
    assert (await store.message(id_)).target == b"/the-target"
    await store.close()
    with pytest.raises(KeysNeeded, match=needs):
        await opened(tmp_path, Keys(ROTATED.keys[:1]))
    store = await opened(tmp_path, OLD)
    assert await taken(store) == [id_]
    await store.close()


async def test_a_key_that_nothing_needs_can_go(tmp_path: Path) -> None:
    """Neither a message nor a remembered id."""
    store = await opened(tmp_path, OLD)
    id_ = await accept(store, **GIVEN)
    await taken(store)
    await store.delivered(id_)
    with pytest.raises(KeysNeeded):
        await store.replace_keys(Keys())
    await accept(store, sender_id=b"x", remember=1.0, content_hash=b"h", accepted_at=NOW + 60)
    with pytest.raises(KeysNeeded):
        await store.replace_keys(Keys())
    (other,) = await taken(store, now=NOW + 60)
    await store.release(other)
    await store.discard(other)
    await store.replace_keys(Keys())
    await store.close()


async def test_nothing_of_a_message_can_be_read_on_the_disk(tmp_path: Path) -> None:
    """With a key; not even in the log."""
    store = await opened(tmp_path, OLD)
    await accept(store, **GIVEN, body=b"the-body")
    await accept(store, **{**GIVEN, "sender_id": b"other"}, body=HeldBody(b"the-large-body" * 5000))
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name != "reserve")
    for secret in (
        *(b"the-sender's-id", b"hash-of", b"/the-target", b"the-value"),
        b"the-order",
        b"the-body",
        b"large",
    ):
        assert secret not in written
    await store.close()


async def test_a_body_that_was_sealed_with_an_earlier_key_is_not_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sender sends it again."""
    store = await opened(tmp_path, OLD)
    keep = store._bodies.keep

    async def keep_and_rotate(*given: Any) -> str:
        name = await keep(*given)
        await store.replace_keys(ROTATED)
        return name

    monkeypatch.setattr(store._bodies, "keep", keep_and_rotate)
    with pytest.raises(OutboxUnavailable, match="the key has just been changed"):
        await accept(store, body=LARGE)
    monkeypatch.undo()
    await accept(store, body=LARGE)
    await store.close()


async def test_a_message_that_was_forged_is_a_dead_letter(tmp_path: Path) -> None:
    """It can be discarded."""
    store = await opened(tmp_path, OLD)
    forged, good = [await accept(store) for _ in range(2)]
    await store._thread.submit(lambda database: database.execute("UPDATE contents SET content = x'00' WHERE seq = 1"))
    assert await taken(store) == [good]
    (dead,) = await store.messages(route=None, state=MessageState.DEAD, limit=9, after=None)
    assert (dead.id, dead.code) == (forged, DeadLetterCode.UNCERTAIN)
    with pytest.raises(OutboxUnavailable, match=f"The content of the message {forged} cannot be read: a stored value"):
        await store.message(forged)
    await store.discard(forged)
    await store.close()
