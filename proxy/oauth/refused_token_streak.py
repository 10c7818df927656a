"""Detects that the upstream refuses one token after the other, each soon after it was granted.

Two processes that share one Neo OAuth client whose tokens have no end can cause it, because a new token may void the
one before (SAP blog on OAuth client credentials for HTTP inbound communication).
"""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from proxy.oauth.token import Moment, Token

TOO_YOUNG = 10.0
"Seconds; a token that is refused earlier was not valid from the start, and the next one would not be either."

SOON = 600.0
"Seconds; a token that is refused later than this, or after a fifth of its lifetime, ends the streak."

LENGTH = 3
"Tokens of a streak that is reported."


class StreakFinding(NamedTuple):
    """What an operator should know: the event of the log and what it means."""

    event: str
    detail: str


KEPT = StreakFinding(
    "token.kept",
    "The upstream refused a token that was granted seconds ago. It would refuse another one too, so the refusal is "
    "relayed. Check that the route's OAuth client belongs to the tenant of its upstream.",
)
CONTESTED = StreakFinding(
    "token.contested",
    "The upstream refuses one token after the other soon after it was granted. Either another process uses the same "
    "OAuth client and its grants void our tokens, or the upstream does not accept tokens of this OAuth client.",
)


class RefusedTokenStreak:
    """Counts tokens in a row that were refused soon after their grant, each token once."""

    def __init__(self) -> None:
        self._length = 0
        self._counted: Token | None = None

    def refused(self, token: "Token", now: "Moment") -> StreakFinding | None:
        """Counts a refused token; returns what to report, at most once for each token. A full streak starts again."""
        if token is self._counted:
            return None
        self._counted = token
        lifetime = token.expires.monotonic - token.obtained.monotonic
        self._length = 0 if token.older_than(min(SOON, lifetime / 5), now) else self._length + 1
        if self._length == LENGTH:
            self._length = 0
            return CONTESTED
        return None if token.older_than(TOO_YOUNG, now) else KEPT

    def replaced(self, token: "Token | None") -> None:
        """Notes that a token was replaced; one that was never refused ends the streak."""
        if token is not None and token is not self._counted:
            self._length = 0
