"""The sessions of browsers that have shown the admin token once."""

import hashlib
import secrets
from collections.abc import Callable

LIFETIME = 12 * 3600.0
"Seconds."
MOST = 64
"Sessions at a time; a further one ends the oldest."


class Sessions:
    """Sessions by a digest of their values, so that looking one up reveals nothing of the others."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._ends: dict[bytes, float] = {}
        "By digest, the oldest first."

    def open(self) -> str:
        """Opens a session, and returns its value."""
        if len(self._ends) >= MOST:
            del self._ends[next(iter(self._ends))]
        value = secrets.token_urlsafe(32)
        self._ends[_digest(value.encode())] = self._now() + LIFETIME
        return value

    def admits(self, value: bytes) -> bool:
        """Whether this is the value of a session that has not ended."""
        return self._now() < self._ends.get(_digest(value), 0.0)

    def end(self) -> None:
        """Ends all sessions."""
        self._ends.clear()


def _digest(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()
