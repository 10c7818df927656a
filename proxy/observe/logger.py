"""The logger that is handed to whatever logs events."""

from typing import Any, Protocol


class Logger(Protocol):
    """Logs events, named `noun.past_participle`, with their fields."""

    def debug(self, event: str, **fields: Any) -> Any:
        """Logs an event that helps to find a fault."""
        ...

    def info(self, event: str, **fields: Any) -> Any:
        """Logs an event of normal operation."""
        ...

    def warning(self, event: str, **fields: Any) -> Any:
        """Logs an event that an operator should see."""
        ...

    def error(self, event: str, **fields: Any) -> Any:
        """Logs an event that an operator must act on."""
        ...
