"""The log of a process: its logger, its level and form, and which lines are written.

`log_format.py` and `human_format.py` render the lines, and `line_writer.py` writes them.
"""

import random
import sys
from collections.abc import MutableMapping
from functools import partial
from types import SimpleNamespace
from typing import Any

from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.human_format import human_event, human_line
from proxy.observe.line_writer import LineWriter
from proxy.observe.log_format import LEVELS, json_event, json_line, severity, stamped
from proxy.observe.logger import Logger

# structlog would load rich for tracebacks that we do not use; it costs 75 ms at start and 5 MiB.
_rich, sys.modules["rich"] = sys.modules.get("rich"), None  # type: ignore[assignment]
try:
    import structlog
finally:
    if _rich is None:
        del sys.modules["rich"]
    else:
        sys.modules["rich"] = _rich


class ProcessLog:
    """Filters, renders and writes events and finished exchanges. Not compiled, because other classes derive from it."""

    def __init__(
        self, writer: LineWriter, *, level: str, human: bool, sample: float = 1.0, color: bool = False
    ) -> None:
        self.writer = writer
        writer.dropped_line = self._dropped_line
        self.apply(level=level, human=human, sample=sample, color=color)
        self.logger: Logger = structlog.wrap_logger(
            SimpleNamespace(**dict.fromkeys((*LEVELS, "critical", "msg"), writer.write)),
            processors=[self._filter, stamped, self._event],
            wrapper_class=structlog.BoundLogger,
            cache_logger_on_first_use=False,
        )

    def apply(self, *, level: str, human: bool, sample: float = 1.0, color: bool = False) -> None:
        """Applies the options to all later lines; `sample` is the share of successful exchanges that is written.

        `color` is for people only.
        """
        self.level = level
        self._sample = sample
        self._render, self._render_event = json_line, json_event
        if human:
            self._render = partial(human_line, color=color)
            self._render_event = partial(human_event, color=color)

    def set_level(self, level: str) -> None:
        """Sets the lowest level that is written; raises KeyError if there is no such level."""
        LEVELS[level]
        self.level = level

    def exchange(self, record: ExchangeRecord) -> None:
        """Writes the line of a finished exchange, if its level and the sample admit it."""
        level = severity(record)
        if LEVELS[self.level] > LEVELS[level]:
            return
        if self._sample < 1 and level == "info" and random.random() >= self._sample:  # noqa: S311 - a sample
            return
        self.writer.write(self._render(record, level))

    def info(self, event: str, /, **fields: Any) -> None:
        """Writes an event that comes with each message; structlog would take as long again as writing it does."""
        if LEVELS[self.level] <= LEVELS["info"]:
            self.writer.write(self._render_event(None, "info", stamped(None, "info", {"event": event, **fields})))

    def _dropped_line(self, count: int) -> str:
        event = stamped(None, "warning", {"event": "log.dropped", "count": count})
        return self._render_event(None, "warning", event)

    def _event(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
        return self._render_event(logger, method, event)

    def _filter(self, _logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if LEVELS.get(method, 40) < LEVELS[self.level]:
            raise structlog.DropEvent
        return event
