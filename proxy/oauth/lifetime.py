"""How long a token lives, from what the authorization server said and did not say.

SAP's Neo answers `expires_in: 0` where it knows no expiry (help.sap.com, OAuth client credentials grant), other servers
leave the parameter out (RFC 6749 §5.1 only recommends it) or write it as a string. A JWT then has a second opinion.
"""

import math
from typing import Any

from proxy.oauth.claims import claims

LONGEST = 180 * 86400.0
"Neo's upper limit for the lifetime of a token; whatever claims more is taken for this."


def seconds(value: Any) -> float | None:
    """Read `expires_in`: the seconds, or None where it says nothing (missing, zero, negative, unreadable)."""
    number = _number(value)
    return None if number is None else min(number, LONGEST)


def lifetime(expires_in: float | None, access_token: str, *, wall: float, default_ttl: float) -> float:
    """Seconds from `wall` on: what the server said, else what the token says, else the default."""
    return expires_in or _claimed(access_token, wall) or default_ttl


def _claimed(access_token: str, wall: float) -> float | None:
    """Seconds that a JWT says it has left; None for any other token.

    The shorter of `exp` against our clock and `exp` against the token's own `iat`: so a wall clock that is slow does
    not prolong it, and one that is fast does not make it useless.
    """
    claimed = claims(access_token)
    expiry, issued = _number(claimed.get("exp")), _number(claimed.get("iat"))
    if expiry is None:
        return None
    left = [span for span in (expiry - wall, expiry - (issued or wall)) if span > 0]
    return min(*left, LONGEST) if left else None


def _number(value: Any) -> float | None:
    """Read a positive number, also from a string; beyond what a float holds it is infinite."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except OverflowError:  # an int beyond what a float holds
        return math.inf if value > 0 else None  # type: ignore[operator]
    except ValueError:
        return None
    return number if number > 0 else None
