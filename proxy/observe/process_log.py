"""The log of a process. Its lines are made in `logs.py`, which is compiled; this is not, for others derive from it."""

import random
import sys
from collections.abc import MutableMapping
from types import SimpleNamespace
from typing import Any

from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.line_writer import LineWriter
from proxy.observe.log_format import LEVELS, begin, human_event, human_line, json_event, json_line, severity
from proxy.observe.logger import Logger

# structlog loads rich for its pretty tracebacks, which cost 75 ms at start and 5 MiB, and which we do not use.
_rich, sys.modules["rich"] = sys.modules.get("rich"), None  # type: ignore[assignment]
try:
    import structlog
finally:
    if _rich is None:
        del sys.modules["rich"]
    else:
        sys.modules["rich"] = _rich


class ProcessLog:
    """The log of a process: its logger, its level, and the lines of exchanges."""

    def __init__(self, writer: LineWriter, *, level: str, human: bool, sample: float = 1.0) -> None:
        self.writer = writer
        writer.dropped_line = self._dropped_line
        self.take(level=level, human=human, sample=sample)
        structlog.configure(
            processors=[self._filter, begin, self._event],
            wrapper_class=structlog.BoundLogger,
            logger_factory=lambda *_: SimpleNamespace(**dict.fromkeys((*LEVELS, "critical", "msg"), writer.write)),
            cache_logger_on_first_use=False,
        )
        self.logger: Logger = structlog.get_logger()

    def take(self, *, level: str, human: bool, sample: float = 1.0) -> None:
        """Lines are written like this from now on."""
        self.level = level
        self._sample = sample
        self._render, self._render_event = (human_line, human_event) if human else (json_line, json_event)

    def set_level(self, level: str) -> None:
        """The least severe lines that are written, from now on; KeyError for a level that does not exist."""
        LEVELS[level]
        self.level = level

    def exchange(self, record: ExchangeRecord) -> None:
        """The line of a finished exchange; of successful ones only the sampled share."""
        level = severity(record)
        if LEVELS[self.level] > LEVELS[level]:
            return
        if self._sample < 1 and level == "info" and random.random() >= self._sample:  # noqa: S311 - a sample
            return
        self.writer.write(self._render(record, level))

    def _dropped_line(self, count: int) -> str:
        event = begin(None, "warning", {"event": "log.dropped", "count": count})
        return self._render_event(None, "warning", event)

    def _event(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
        return self._render_event(logger, method, event)

    def _filter(self, _logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if LEVELS.get(method, 40) < LEVELS[self.level]:
            raise structlog.DropEvent
        return event
