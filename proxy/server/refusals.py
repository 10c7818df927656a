"""Refusals of what reached no route, on their way to the log: anybody can make them, so that many become few lines."""

from typing import NamedTuple

from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.process_log import ProcessLog
from proxy.observe.repeats import Repeats
from proxy.wire.deadlines import NEVER, Deadlines

INTERVAL = 1.0
"Seconds from the first refusal to the line that tells of those that have none of their own."


class RefusalCause(NamedTuple):
    """What is counted together: as many as there are answers of ours."""

    status: int
    code: str


class Refusals:
    """Of each cause some have their line; how many had none is told when the interval is over."""

    def __init__(self, log: ProcessLog, deadlines: Deadlines) -> None:
        self._log = log
        self._deadlines = deadlines
        self._repeats: Repeats[RefusalCause] = Repeats()
        self.deadline = NEVER

    def write(self, record: ExchangeRecord) -> None:
        """One more."""
        if self.admits(record.status, record.code):
            record.explain()
            self._log.exchange(record)

    def admits(self, status: int, code: str) -> bool:
        """Whether one more has a line of its own; else it is counted."""
        if not self._repeats:
            self.deadline = self._deadlines.now() + INTERVAL
            self._deadlines.watch(self)
        return self._repeats.admits(RefusalCause(status, code))

    def deadline_reached(self) -> None:
        """The interval is over, or nothing more will come."""
        self._deadlines.forget(self)
        for cause, count in self._repeats.end().items():
            self._log.logger.warning("refusals.repeated", status=cause.status, code=cause.code, count=count)
