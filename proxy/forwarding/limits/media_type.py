"""Matches media types (RFC 9110 §8.3.1) against media ranges (§12.5.1)."""

import re
from collections.abc import Collection

from proxy.syntax import TCHAR

_TYPE = re.compile(f"([{TCHAR}]+)/[{TCHAR}]+".encode())


def accepts(ranges: Collection[str], content_types: Collection[bytes]) -> bool:
    """Whether there is a Content-Type, and each one is in one of the ranges, which are in lower case."""
    return bool(content_types) and all(_is_in(ranges, each) for each in content_types)


def _is_in(ranges: Collection[str], content_type: bytes) -> bool:
    """Compares without case and parameters. A list of types, or an invalid one, is in no range."""
    found = _TYPE.fullmatch(content_type.partition(b";")[0].strip(b" \t").lower())
    return found is not None and (found[0].decode() in ranges or f"{found[1].decode()}/*" in ranges)
