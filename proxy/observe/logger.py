"""The logger that all rooms write events to."""

from typing import Any, Protocol


class Logger(Protocol):
    """A logger in structlog's style: an event name and fields."""

    def debug(self, event: str, **fields: Any) -> Any:
        """Logs a detail for troubleshooting."""
        ...

    def info(self, event: str, **fields: Any) -> Any:
        """Logs normal operation."""
        ...

    def warning(self, event: str, **fields: Any) -> Any:
        """Logs something that deserves attention."""
        ...

    def error(self, event: str, **fields: Any) -> Any:
        """Logs something that needs action."""
        ...
