"""Makes the ids of messages: unique, and in the order of acceptance."""

import re
import secrets
from collections.abc import Callable

_ID = re.compile("[0-9a-f]{32}")


def is_message_id(text: str) -> bool:
    """Returns whether a message could have this id."""
    return _ID.fullmatch(text) is not None


class MessageIds:
    """Ids of 32 hexadecimal digits: milliseconds, a number within them, and random ones."""

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._last = 0

    def __call__(self) -> str:
        """Returns a new id, which sorts after all earlier ones of the process, whatever the clock does."""
        self._last = max(self._last + 1, int(self._wall() * 1000) << 16)
        return f"{self._last:016x}{secrets.token_hex(8)}"
