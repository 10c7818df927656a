"""Logs refusals that reached no route. Anyone can cause them, so many become few lines."""

from typing import NamedTuple

from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.process_log import ProcessLog
from proxy.observe.repeats import Repeats
from proxy.wire.deadlines import NEVER, Deadlines

INTERVAL = 1.0
"Seconds from the first refusal to the line that counts those without a line of their own."


class RefusalCause(NamedTuple):
    """Refusals of one cause are counted together."""

    status: int
    code: str


class Refusals:
    """Logs some refusals of each cause, and at the end of the interval how many more there were."""

    def __init__(self, log: ProcessLog, deadlines: Deadlines) -> None:
        self._log = log
        self._deadlines = deadlines
        self._repeats: Repeats[RefusalCause] = Repeats()
        self.deadline = NEVER

    def write(self, record: ExchangeRecord) -> None:
        """Logs the refusal, or counts it once its cause has used up its lines."""
        if self.admits(record.status, record.code):
            record.explain()
            self._log.exchange(record)

    def admits(self, status: int, code: str) -> bool:
        """Whether a refusal gets a line of its own; otherwise counts it."""
        if not self._repeats:
            self.deadline = self._deadlines.now() + INTERVAL
            self._deadlines.watch(self)
        return self._repeats.admits(RefusalCause(status, code))

    def deadline_reached(self) -> None:
        """Ends the interval."""
        self.report()

    def report(self) -> None:
        """Logs the counts of the interval."""
        self._deadlines.forget(self)
        for cause, count in self._repeats.end().items():
            self._log.logger.warning("refusals.repeated", status=cause.status, code=cause.code, count=count)
