"""Counts and messages."""

import asyncio

import pytest

from proxy.sandbox.recorder import EventCounter, MessageLog, RecordedMessage


def message(number: int = 0, *, start: bytes = b"\xff") -> RecordedMessage:
    """A message."""
    return RecordedMessage(
        method="POST",
        target=f"/http/echo?{number}",
        version="HTTP/1.1",
        fields=(("X-A", "1"), ("x-a", "2")),
        body_sha256="d",
        body_size=len(start),
        body_start=start,
        complete=True,
        oauth_client="a",
        status=200,
        mpl_id="AG",
    )


@pytest.fixture
def log() -> MessageLog:
    """An empty log."""
    return MessageLog()


async def test_a_waiter_continues_when_the_count_is_reached() -> None:
    """Of its own name."""
    counter = EventCounter()
    waiter = asyncio.create_task(counter.reach("a", 2))
    for name in ("a", "b"):
        counter.add(name)
        await asyncio.sleep(0)
    assert not waiter.done()
    counter.add("a")
    await waiter
    await counter.reach("a", 2)
    assert counter.as_dict() == {"a": 2, "b": 1}
    counter.clear()
    assert counter["a"] == 0


def test_all_values_of_a_field_are_returned_in_order() -> None:
    """In any case."""
    assert message().field("X-a") == ("1", "2")
    assert message().field("Y") == ()


def test_the_log_keeps_the_newest_20_000_messages(log: MessageLog) -> None:
    """But counts all."""
    for number in range(20_001):
        log.record(message(number))
    assert len(log) == 20_000
    assert log.total == 20_001
    assert log[0].target == "/http/echo?1"
    assert log[-1].target == "/http/echo?20000"


def test_the_log_keeps_at_most_64_mib_of_bodies(log: MessageLog) -> None:
    """Here 64 messages."""
    for number in range(65):
        log.record(message(number, start=bytes(1 << 20)))
    assert [each.target for each in log] == [f"/http/echo?{number}" for number in range(1, 65)]


async def test_a_test_can_wait_for_messages(log: MessageLog) -> None:
    """Anew after `clear`."""
    log.record(message())
    waiter = asyncio.create_task(log.reach(2))
    await asyncio.sleep(0)
    assert not waiter.done()
    log.record(message())
    await waiter
    log.clear()
    assert len(log) == log.total == 0
