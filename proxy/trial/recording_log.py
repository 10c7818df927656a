"""A log that keeps the records of exchanges for the code that sends them."""

import asyncio
from collections import deque

from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.line_writer import LineWriter
from proxy.observe.process_log import ProcessLog

KEPT = 1000
"Records of early refusals that are kept."
PATIENCE = 5.0
"Seconds to wait for the record of an exchange after its answer, or its connection, has ended."


class RecordingLog(ProcessLog):
    """Hands over the records of exchanges, and writes errors."""

    def __init__(self, writer: LineWriter) -> None:
        super().__init__(writer, level="error", human=True)
        self._waiting: dict[str, asyncio.Future[ExchangeRecord]] = {}
        self._early: deque[ExchangeRecord] = deque(maxlen=KEPT)
        "Of requests that were refused before they became an exchange: the proxy itself chose their ids."

    def exchange(self, record: ExchangeRecord) -> None:
        """Hands the record to the caller that expects it."""
        waiting = self._waiting.pop(record.request_id, None)
        if waiting is None:
            self._early.append(record)
        elif not waiting.done():
            waiting.set_result(record)

    def expect(self, request_id: str) -> "asyncio.Future[ExchangeRecord]":
        """Returns the record of the exchange with this id, once it ends."""
        future = self._waiting[request_id] = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda _: self._waiting.pop(request_id, None))
        return future

    async def record(self, expected: "asyncio.Future[ExchangeRecord]", answered_id: str) -> ExchangeRecord:
        """Returns the record of a message after its answer; `answered_id` is the answer's id, or empty."""
        if not expected.done():
            early = next((each for each in self._early if each.request_id == answered_id), None)
            if early is not None:
                expected.cancel()
                return early
            await asyncio.wait({expected}, timeout=PATIENCE)
        if expected.done():
            return expected.result()
        lost = self._early.pop() if self._early else ExchangeRecord("", "")
        lost.code = lost.code or "connection_lost"
        lost.detail = lost.detail or "The connection to the embedded proxy was lost."
        return lost
