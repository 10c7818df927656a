"""An access token, and how long it may be used.

Each moment is kept on both clocks and has come as soon as one of them says so: the monotonic clock stands still while
a laptop sleeps, and the wall clock is set by NTP. At worst a jump costs one grant too many; an expired token is never
used for it.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Self

from proxy.oauth.lifetime import lifetime

if TYPE_CHECKING:
    from proxy.clock import Clock
    from proxy.oauth.answer import Granted

MAX_BUFFER_SHARE = 0.2
"Renewing earlier than in the last fifth of the lifetime would make short-lived tokens loop."

RENEWAL_SPREAD = 0.2
"Replicas that started together renew within this share of the buffer, not all at once."


class Freshness(Enum):
    """What may be done with a token."""

    FRESH = "fresh"
    STALE = "stale"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A reading of both clocks, in seconds."""

    monotonic: float
    wall: float

    @classmethod
    def now(cls, clock: "Clock") -> Self:
        """Read the clock."""
        return cls(monotonic=clock.monotonic(), wall=clock.wall())

    def after(self, seconds: float) -> "Moment":
        """This moment moved by so many seconds."""
        return Moment(monotonic=self.monotonic + seconds, wall=self.wall + seconds)

    def is_reached(self, now: "Moment") -> bool:
        """Whether at least one of the clocks has reached it."""
        return now.monotonic >= self.monotonic or now.wall >= self.wall

    def seconds_from(self, now: "Moment") -> float:
        """How long until it has come; zero or less when it has."""
        return min(self.monotonic - now.monotonic, self.wall - now.wall)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An access token, ready for the wire."""

    authorization: bytes = field(repr=False)
    "The value of the Authorization field: `Bearer`, a space and the token."
    obtained: Moment
    fresh_until: Moment
    expires: Moment
    scopes: tuple[str, ...] = ()

    def freshness(self, now: Moment) -> Freshness:
        """Whether to use it, to use it and renew it, or not to use it."""
        if self.expires.is_reached(now):
            return Freshness.EXPIRED
        return Freshness.STALE if self.fresh_until.is_reached(now) else Freshness.FRESH

    def older_than(self, seconds: float, now: Moment) -> bool:
        """Whether it was obtained so long ago."""
        return self.obtained.after(seconds).is_reached(now)


def issue(granted: "Granted", *, asked: Moment, expiry_buffer: float, default_ttl: float, jitter: float) -> Token:
    """Make the token of a grant that was asked for at `asked`; `jitter` is 0 to 1.

    The lifetime counts from the request, for the server's clock started before its answer reached us.
    """
    seconds = lifetime(granted.expires_in, granted.access_token, wall=asked.wall, default_ttl=default_ttl)
    buffer = min(expiry_buffer, MAX_BUFFER_SHARE * seconds) * (1 - RENEWAL_SPREAD * jitter)
    return Token(
        authorization=b"Bearer " + granted.access_token.encode("ascii"),
        obtained=asked,
        fresh_until=asked.after(seconds - buffer),
        expires=asked.after(seconds),
        scopes=granted.scopes,
    )
