"""Notices that tokens do not live: the upstream refuses one after the other soon after it was granted.

Two processes that share one Neo OAuth client with tokens of unlimited lifetime do this to each other, for a new token
may void the one before (SAP blog on OAuth client credentials for HTTP inbound communication).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.oauth.token import Moment, Token

SOON = 600.0
"Seconds; a token refused later than this, or after a fifth of its lifetime, had a life."

ROW = 3


class Contest:
    """Counts tokens in a row that were refused soon; each token once."""

    def __init__(self) -> None:
        self._row = 0
        self._counted: Token | None = None

    def refused(self, token: "Token", now: "Moment") -> bool:
        """Take note of a refusal; true when this one completes a row, which begins anew then."""
        if token is self._counted:
            return False
        self._counted = token
        lifetime = token.expires.monotonic - token.obtained.monotonic
        self._row = 0 if token.older_than(min(SOON, lifetime / 5), now) else self._row + 1
        if self._row < ROW:
            return False
        self._row = 0
        return True

    def replaced(self, token: "Token | None") -> None:
        """Take note that a token was replaced; one that nobody refused ends the row."""
        if token is not None and token is not self._counted:
            self._row = 0
