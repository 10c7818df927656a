"""What the end of a delivery tells."""

from typing import Any, cast

import pytest

from proxy.errors import OutboxUnavailable, UpstreamClosed, UpstreamMalformed
from proxy.outbox.delivery import MOST_READ, DeliveredFile, DeliveryReport, failed, interrupted
from proxy.outbox.message import INTERRUPTED
from proxy.outbox.schedule import Delivery, DeliveryEnd
from tests.cases import cases
from tests.unit.outbox.store_contract import HeldBody

ANSWERED = Delivery(end=DeliveryEnd.ANSWERED, status=200)


class Answer:
    """It comes in pieces, or breaks."""

    def __init__(self, pieces: int, size: int, error: Exception | None = None) -> None:
        self._pieces, self._size, self._error = pieces, size, error
        self.body = self
        self.ended, self.received, self.discarded = False, 0, False

    async def read(self) -> bytes:
        """The next one."""
        if not self._pieces:
            if self._error is not None:
                raise self._error
            return b""
        self._pieces -= 1
        self.received += self._size
        return b"x"

    def discard(self) -> None:
        """No more of it is wanted."""
        self.discarded = True


def report(answer: Answer) -> DeliveryReport:
    """Of a delivery with this answer."""
    return DeliveryReport(delivery=ANSWERED, answer=cast("Any", answer))


def test_what_an_earlier_process_began_may_have_arrived() -> None:
    """The history calls it interrupted."""
    told = interrupted()
    assert (told.delivery.end, told.code, told.is_whole) == (DeliveryEnd.LOST, INTERRUPTED, True)


def test_without_an_answer_the_error_tells() -> None:
    """Code, text and pause."""
    error = UpstreamClosed("It hung up.")
    told = failed(DeliveryEnd.LOST, error)
    assert (told.code, told.detail, told.delivery.retry_after) == (error.code, "It hung up.", error.retry_after)


@cases("error", None, UpstreamMalformed("Broken."))
async def test_an_answer_is_read_to_its_end(error: Exception | None) -> None:
    """Or to where it breaks."""
    answer = Answer(3, 10, error)
    told = report(answer)
    assert not told.is_whole
    await told.finish()
    assert (answer.received, answer.discarded) == (30, True)


async def test_of_a_long_answer_only_a_part_is_read() -> None:
    """Its connection is closed."""
    answer = Answer(1000, MOST_READ // 4)
    await report(answer).finish()
    assert (answer.received, answer.discarded) == (5 * (MOST_READ // 4), True)


async def test_a_file_that_fails_is_remembered() -> None:
    """A part of it may have been sent."""

    class Torn(HeldBody):
        async def read(self, at: int) -> bytes:
            if at:
                raise OutboxUnavailable("The disk fails.", retry_after=1)
            return await super().read(at)

    file = DeliveredFile(Torn(b"abc"))
    assert (file.size, await file.read(0), file.torn) == (3, b"abc", False)
    with pytest.raises(OutboxUnavailable):
        await file.read(3)
    file.close()
    assert file.torn
