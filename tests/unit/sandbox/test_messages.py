"""The record of what was received."""

import asyncio
import json

from proxy.sandbox.messages import MessageLog, RecordedMessage


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


def test_all_values_of_a_field_are_found_in_order() -> None:
    """Names are compared without case."""
    assert message().field("X-a") == ("1", "2")
    assert message().field("Y") == ()


def test_a_message_goes_into_json_byte_for_byte() -> None:
    """Each byte of the body is the character of the same number."""
    document = json.loads(json.dumps(message().as_dict()))
    assert document["body_start"].encode("latin-1") == b"\xff"
    assert document["fields"] == [["X-A", "1"], ["x-a", "2"]]
    assert document.keys() == set(RecordedMessage.__slots__)


def test_the_log_keeps_the_newest_of_very_many() -> None:
    """The total counts those that are gone, too."""
    log = MessageLog()
    for number in range(20_001):
        log.record(message(number))
    assert (len(log), log.total, log[0].target, log[-1].target) == (20_000, 20_001, "/http/echo?1", "/http/echo?20000")


def test_the_log_keeps_no_more_than_64_mib_of_bodies() -> None:
    """Memory is bounded by bytes, too."""
    log = MessageLog()
    start = bytes(1 << 20)
    for number in range(65):
        log.record(message(number, start=start))
    assert [one.target for one in log] == [f"/http/echo?{number}" for number in range(1, 65)]


async def test_arrival_can_be_waited_for() -> None:
    """The waiter goes on with the second message; clearing counts from zero."""
    log = MessageLog()
    log.record(message())
    waiter = asyncio.create_task(log.reach(2))
    await asyncio.sleep(0)
    assert not waiter.done()
    log.record(message())
    await waiter
    log.clear()
    assert (len(log), log.total) == (0, 0)
