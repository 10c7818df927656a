"""Which content a route takes: media types of requests (RFC 9110 §8.3.1) against media ranges (§12.5.1)."""

import re
from collections.abc import Collection

from proxy.syntax import TCHAR

_TYPE = re.compile(f"([{TCHAR}]+)/[{TCHAR}]+".encode())


def takes(ranges: Collection[str], content_types: Collection[bytes]) -> bool:
    """Whether each Content-Type of a request lies in one of the ranges, in lower case, and there is at least one."""
    return bool(content_types) and all(_lies_in(ranges, each) for each in content_types)


def _lies_in(ranges: Collection[str], content_type: bytes) -> bool:
    """Compared without case and parameters; a list of types, or what is none, lies nowhere."""
    found = _TYPE.fullmatch(content_type.partition(b";")[0].strip(b" \t").lower())
    return found is not None and (found[0].decode() in ranges or f"{found[1].decode()}/*" in ranges)
