"""Limits the request rate of each sender by a token bucket, stored as the time at which it is full again."""

from collections import OrderedDict
from ipaddress import IPv6Address

from proxy.hosts import parse_ip

MOST_SENDERS = 4096
"Buckets that are stored. A full one need not be; above this number the least recently used one is dropped."
_ROUNDING = 1e-6
"Seconds; sums of intervals are not exact."


class TokenBuckets:
    """The buckets of one route's senders. Times are seconds of the monotonic clock."""

    def __init__(self, *, interval: float, burst: int) -> None:
        """`interval` is the time that refills one request, `burst` the number of requests in a full bucket."""
        self._interval = interval
        self._slack = (burst - 1) * interval + _ROUNDING
        self._full: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full)

    def acquire(self, sender: str, now: float) -> float:
        """Returns 0 and counts the request if it is within the rate, else returns the seconds to wait."""
        full = max(self._full.get(sender, now), now)
        wait = full - now - self._slack
        if wait > 0:
            return wait
        self._full[sender] = full + self._interval
        self._full.move_to_end(sender)
        self._drop(now)
        return 0.0

    def _drop(self, now: float) -> None:
        """Drops the least recently used buckets that are full, or too many."""
        while self._full:
            oldest = next(iter(self._full))
            if self._full[oldest] > now and len(self._full) <= MOST_SENDERS:
                return
            del self._full[oldest]


def counted_as(address: str) -> str:
    """Returns the sender that an address belongs to: for IPv6 its /64, because one host may use all of it."""
    if ":" not in address:
        return address
    parsed = parse_ip(address)
    return str(parsed if parsed.version == 4 else IPv6Address(int(parsed) >> 64 << 64))
