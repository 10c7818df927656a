"""Lines that say the same thing again and again: the first few are written, the others counted."""

from typing import Generic, TypeVar

FIRST = 10
"Lines of one cause that are written in each interval."

Cause = TypeVar("Cause")


class Repeats(Generic[Cause]):
    """What has happened in one interval, by cause; there are to be few causes, and none that a sender can make up."""

    def __init__(self) -> None:
        self._counts: dict[Cause, int] = {}

    def __bool__(self) -> bool:
        return bool(self._counts)

    def admits(self, cause: Cause) -> bool:
        """Whether the line of one more is to be written."""
        count = self._counts[cause] = self._counts.get(cause, 0) + 1
        return count <= FIRST

    def end(self) -> dict[Cause, int]:
        """How many were not written, by cause; another interval begins."""
        counts, self._counts = self._counts, {}
        return {cause: count - FIRST for cause, count in counts.items() if count > FIRST}
