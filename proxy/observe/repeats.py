"""Limits repeated log lines: the first few of each cause are written, the rest are counted."""

from typing import Generic, TypeVar

FIRST = 10
"Lines of one cause that are written per interval."

Cause = TypeVar("Cause")


class Repeats(Generic[Cause]):
    """Counts by cause within one interval. There must be few causes, none of them invented by a sender."""

    def __init__(self) -> None:
        self._counts: dict[Cause, int] = {}

    def __bool__(self) -> bool:
        return bool(self._counts)

    def admits(self, cause: Cause) -> bool:
        """Counts one more, and returns whether its line is to be written."""
        count = self._counts[cause] = self._counts.get(cause, 0) + 1
        return count <= FIRST

    def end(self) -> dict[Cause, int]:
        """Starts another interval; returns how many lines of each cause were not written."""
        counts, self._counts = self._counts, {}
        return {cause: count - FIRST for cause, count in counts.items() if count > FIRST}
