"""When to ask a token endpoint again after a failure: within one grant, and between grants.

Within a grant: SAP's retry table for access tokens ("Best Practices When Handling Access Tokens", help.sap.com) and
Neo's rule of at most two retries ("Achieving Resilient OAuth 2.0 Authorization"). Between grants: 1 s, doubled each
time up to 60 s, or longer if the server asks for it.
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
"The largest random share of a pause, subtracted between grants and added within one, so that replicas spread out."


def retry_pause(
    status: int | None, *, retries: int, retry_after: int | None, provider: Provider, jitter: float
) -> float | None:
    """Returns the seconds until the next try within a grant, None for no more; `status` is None if no answer came."""
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
    """The failure of the last grant; no other is made before `retry_at`."""

    error: "AuthorizationServerError"
    count: int
    "How many grants have failed in a row."
    since: float
    "Wall time of the first of them."
    retry_at: "Moment"

    def refusal(self, now: "Moment") -> "AuthorizationServerError":
        """Returns a copy of the error, with the seconds that are left of the pause."""
        left = math.ceil(self.retry_at.seconds_from(now))
        return type(self.error)(self.error.detail, retry_after=max(1, min(left, MAX_RETRY_AFTER)))


def remember(
    error: "AuthorizationServerError", *, previous: GrantFailure | None, now: "Moment", jitter: float
) -> GrantFailure:
    """Returns the failure and when to try again; `previous` is the failure before it, `jitter` is 0 to 1."""
    count = 1 if previous is None else previous.count + 1
    pause = min(FIRST * 2.0 ** min(count - 1, 10), LONGEST) * (1 - JITTER * jitter)
    return GrantFailure(
        error=error,
        count=count,
        since=now.wall if previous is None else previous.since,
        retry_at=now.after(max(pause, float(error.retry_after or 0))),
    )
