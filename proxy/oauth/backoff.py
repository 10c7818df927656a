"""When to ask a token endpoint again after a failure: inside one grant, and between grants.

Inside: SAP's retry table for access tokens ("Best Practices When Handling Access Tokens", help.sap.com) and Neo's rule
of at most two retries ("Achieving Resilient OAuth 2.0 Authorization"). Between: 1 s, doubling, at most 60 s, or what
the server itself asked for.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.config.model import Provider
from proxy.oauth.answer import MAX_RETRY_AFTER

if TYPE_CHECKING:
    from proxy.errors import AuthorizationServerError
    from proxy.oauth.token import Moment

FIRST, LONGEST = 1.0, 60.0
JITTER = 0.25
"Share of a pause that chance takes away (between grants) or adds (inside one), so that replicas spread."


def retry_pause(
    status: int | None, *, retries: int, retry_after: int | None, provider: Provider, jitter: float
) -> float | None:
    """Seconds until the next try inside one grant, None for no more; `status` is None where no answer came."""
    if retries >= (2 if provider is Provider.NEO else 3):
        return None
    match status:
        case None | 408 | 502 | 504:
            pause = 0.3 * 2.0**retries
        case 429 if retry_after is not None:
            pause = 0.0
        case 429 | 500 | 503:
            pause = 3.0**retries
        case _:
            return None
    return max(pause * (1 + JITTER * jitter), float(retry_after or 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantFailure:
    """The last grant's failure, remembered until `retry_at`; no grant is made before."""

    error: "AuthorizationServerError"
    count: int
    "Failed grants in a row."
    since: float
    "Wall time of the first of them."
    retry_at: "Moment"

    def refusal(self, now: "Moment") -> "AuthorizationServerError":
        """Return the remembered error, anew, with the seconds that are left of the pause."""
        left = math.ceil(self.retry_at.seconds_from(now))
        return type(self.error)(self.error.detail, retry_after=max(1, min(left, MAX_RETRY_AFTER)))


def remember(
    error: "AuthorizationServerError", *, previous: GrantFailure | None, now: "Moment", jitter: float
) -> GrantFailure:
    """Make the memory of a failed grant; `jitter` is 0 to 1."""
    count = 1 if previous is None else previous.count + 1
    pause = min(FIRST * 2.0 ** min(count - 1, 10), LONGEST) * (1 - JITTER * jitter)
    return GrantFailure(
        error=error,
        count=count,
        since=now.wall if previous is None else previous.since,
        retry_at=now.after(max(pause, float(error.retry_after or 0))),
    )
