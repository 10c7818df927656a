"""How often a sender may ask: a token bucket for each, of which only the time is kept at which it is full again."""

from collections import OrderedDict
from ipaddress import IPv6Address

from proxy.hosts import parse_ip

MOST_SENDERS = 4096
"That are remembered; a full bucket need not be, and beyond so many the one that asked longest ago is forgotten."
_ROUNDING = 1e-6
"Seconds; sums of intervals are not exact."


class TokenBuckets:
    """The buckets of one route's senders; times in seconds of the monotonic clock, passed in."""

    def __init__(self, *, interval: float, burst: int) -> None:
        """`interval` is what one request costs, `burst` how many may come at once."""
        self._interval = interval
        self._slack = (burst - 1) * interval + _ROUNDING
        self._full: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full)

    def acquire(self, sender: str, now: float) -> float:
        """0 if the sender may ask now, which is then counted; else the seconds until it may."""
        full = max(self._full.get(sender, now), now)
        wait = full - now - self._slack
        if wait > 0:
            return wait
        self._full[sender] = full + self._interval
        self._full.move_to_end(sender)
        self._forget(now)
        return 0.0

    def _forget(self, now: float) -> None:
        """Those that asked longest ago, as long as their buckets are full or there are too many."""
        while self._full:
            oldest = next(iter(self._full))
            if self._full[oldest] > now and len(self._full) <= MOST_SENDERS:
                return
            del self._full[oldest]


def counted_as(address: str) -> str:
    """Whom an address is counted as: of IPv6 the /64, which one host has all of; a Unix socket is one sender."""
    if ":" not in address:
        return address
    parsed = parse_ip(address)
    return str(parsed if parsed.version == 4 else IPv6Address(int(parsed) >> 64 << 64))
