"""Notices that tokens do not live: the upstream refuses one after the other soon after it was granted.

Two processes that share one Neo OAuth client with tokens of unlimited lifetime do this to each other, for a new token
may void the one before (SAP blog on OAuth client credentials for HTTP inbound communication).
"""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from proxy.oauth.token import Moment, Token

TOO_YOUNG = 10.0
"Seconds; a token that is refused earlier was no good from the start, and the next one would not be better."

SOON = 600.0
"Seconds; a token refused later than this, or after a fifth of its lifetime, had a life."

ROW = 3


class StreakFinding(NamedTuple):
    """What somebody should know: the log's event and what to make of it."""

    event: str
    detail: str


KEPT = StreakFinding(
    "token.kept",
    "The upstream refuses a token that was granted just now; another one would fare no better, and the refusal is "
    "relayed. Does the route's OAuth client belong to the tenant of its upstream?",
)
CONTESTED = StreakFinding(
    "token.contested",
    "The upstream refuses token after token soon after it was granted: either another process uses the same OAuth "
    "client and voids our tokens with its own, or the upstream does not take them at all.",
)


class RefusedTokenStreak:
    """Counts tokens in a row that were refused soon; each token once."""

    def __init__(self) -> None:
        self._row = 0
        self._counted: Token | None = None

    def refused(self, token: "Token", now: "Moment") -> StreakFinding | None:
        """Take note of a refusal; what is found by it, once for each token. A row that is complete begins anew."""
        if token is self._counted:
            return None
        self._counted = token
        lifetime = token.expires.monotonic - token.obtained.monotonic
        self._row = 0 if token.older_than(min(SOON, lifetime / 5), now) else self._row + 1
        if self._row == ROW:
            self._row = 0
            return CONTESTED
        return None if token.older_than(TOO_YOUNG, now) else KEPT

    def replaced(self, token: "Token | None") -> None:
        """Take note that a token was replaced; one that nobody refused ends the row."""
        if token is not None and token is not self._counted:
            self._row = 0
