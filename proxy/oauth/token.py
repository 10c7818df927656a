"""An access token, and how long it may be used.

Each moment is kept on both clocks and is reached as soon as one of them reaches it, because the monotonic clock stands
still while a laptop sleeps and NTP sets the wall clock. A jump costs at most one unneeded grant; an expired token is
never used.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Self

from proxy.oauth.lifetime import lifetime

if TYPE_CHECKING:
    from proxy.clock import Clock
    from proxy.oauth.answer import Granted

MAX_BUFFER_SHARE = 0.2
"Renewal begins in the last fifth of the lifetime; earlier, short-lived tokens would be renewed all the time."

RENEWAL_SPREAD = 0.2
"The random share of the buffer, so that replicas that started together do not renew at the same time."


class Freshness(Enum):
    """Whether a token is used (fresh), used and renewed (stale), or not used (expired)."""

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
        """Reads both clocks."""
        return cls(monotonic=clock.monotonic(), wall=clock.wall())

    def after(self, seconds: float) -> "Moment":
        """Returns the moment `seconds` later."""
        return Moment(monotonic=self.monotonic + seconds, wall=self.wall + seconds)

    def is_reached(self, now: "Moment") -> bool:
        """Returns whether at least one of the clocks has reached it."""
        return now.monotonic >= self.monotonic or now.wall >= self.wall

    def seconds_from(self, now: "Moment") -> float:
        """Returns the seconds until it is reached; zero or less if it is."""
        return min(self.monotonic - now.monotonic, self.wall - now.wall)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An access token and its times."""

    authorization: bytes = field(repr=False)
    "The value of the Authorization field: `Bearer`, a space and the token."
    obtained: Moment
    fresh_until: Moment
    expires: Moment
    scopes: tuple[str, ...] = ()

    def freshness(self, now: Moment) -> Freshness:
        """Returns what may be done with the token now."""
        if self.expires.is_reached(now):
            return Freshness.EXPIRED
        return Freshness.STALE if self.fresh_until.is_reached(now) else Freshness.FRESH

    def older_than(self, seconds: float, now: Moment) -> bool:
        """Returns whether it was obtained at least `seconds` ago."""
        return self.obtained.after(seconds).is_reached(now)


def issue(granted: "Granted", *, asked: Moment, expiry_buffer: float, default_ttl: float, jitter: float) -> Token:
    """Returns the token of a grant that was requested at `asked`; `jitter` is 0 to 1.

    The lifetime counts from the request, because it began before the answer reached us.
    """
    return lasting(
        lifetime(granted.expires_in, granted.access_token, wall=asked.wall, default_ttl=default_ttl),
        b"Bearer " + granted.access_token.encode("ascii"),
        asked=asked,
        expiry_buffer=expiry_buffer,
        jitter=jitter,
        scopes=granted.scopes,
    )


def lasting(
    seconds: float,
    authorization: bytes,
    *,
    asked: Moment,
    expiry_buffer: float,
    jitter: float,
    scopes: tuple[str, ...],
) -> Token:
    """Returns the token that was requested at `asked` and lives for so many seconds; `jitter` is 0 to 1."""
    buffer = min(expiry_buffer, MAX_BUFFER_SHARE * seconds) * (1 - RENEWAL_SPREAD * jitter)
    return Token(
        authorization=authorization,
        obtained=asked,
        fresh_until=asked.after(seconds - buffer),
        expires=asked.after(seconds),
        scopes=scopes,
    )
