"""How long a token lives.

SAP's Neo answers `expires_in: 0` if it knows no expiry (help.sap.com, OAuth client credentials grant). Other servers
leave the parameter out (RFC 6749 §5.1 only recommends it) or write it as a string. Then the claims of a JWT count.
"""

import math
from typing import Any

from proxy.oauth.claims import claims

LONGEST = 180 * 86400.0
"Seconds; Neo's upper limit for the lifetime of a token. A longer lifetime is shortened to this."


def seconds(value: Any) -> float | None:
    """Returns the seconds of `expires_in`; None if it is missing, zero, negative or not a number."""
    number = _number(value)
    return None if number is None else min(number, LONGEST)


def lifetime(expires_in: float | None, access_token: str, *, wall: float, default_ttl: float) -> float:
    """Returns the seconds from `wall` on: the server's `expires_in`, else the token's `exp`, else the default."""
    return expires_in or _claimed(access_token, wall) or default_ttl


def _claimed(access_token: str, wall: float) -> float | None:
    """Returns the seconds that a JWT claims to have left; None for any other token.

    That is the shorter of `exp` minus our time and `exp` minus `iat`: a slow wall clock does not prolong the lifetime.
    A fast one does not end it, because only positive differences count.
    """
    claimed = claims(access_token)
    expiry, issued = _number(claimed.get("exp")), _number(claimed.get("iat"))
    if expiry is None:
        return None
    left = [span for span in (expiry - wall, expiry - (issued or wall)) if span > 0]
    return min(*left, LONGEST) if left else None


def _number(value: Any) -> float | None:
    """Returns a positive number, also from a string; infinity if a float cannot hold it, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except OverflowError:  # an int that a float cannot hold
        return math.inf if value > 0 else None  # type: ignore[operator]
    except ValueError:
        return None
    return number if number > 0 else None
