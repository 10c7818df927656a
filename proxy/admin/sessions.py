"""Random values that stand for the admin token for a while: the sessions of browsers, and codes that open one."""

import hashlib
import secrets
from collections.abc import Callable

LIFETIME = 12 * 3600.0
"Seconds of a browser's session."
MOST = 64
"At a time; a further one ends the oldest."


class Sessions:
    """Sessions by a digest of their values, so that looking one up reveals nothing of the others."""

    def __init__(self, now: Callable[[], float], lifetime: float = LIFETIME) -> None:
        self._now, self._lifetime = now, lifetime
        self._ends: dict[bytes, float] = {}
        "By digest, the oldest first."

    def open(self) -> str:
        """Opens a session, and returns its value."""
        if len(self._ends) >= MOST:
            del self._ends[next(iter(self._ends))]
        value = secrets.token_urlsafe(32)
        self._ends[_digest(value.encode())] = self._now() + self._lifetime
        return value

    def admits(self, value: bytes) -> bool:
        """Whether this is the value of a session that has not ended."""
        return self._now() < self._ends.get(_digest(value), 0.0)

    def consume(self, value: bytes) -> bool:
        """Returns the same, and ends the session."""
        return self._now() < self._ends.pop(_digest(value), 0.0)

    def end(self) -> None:
        """Ends all sessions."""
        self._ends.clear()


def _digest(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()
