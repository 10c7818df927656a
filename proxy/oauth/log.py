"""What token sources and those that follow files write to."""

from typing import Any, Protocol


class Log(Protocol):
    """A structlog-like logger."""

    def info(self, event: str, **fields: Any) -> Any:
        """Write what is usual."""
        ...

    def warning(self, event: str, **fields: Any) -> Any:
        """Write what somebody should see."""
        ...
