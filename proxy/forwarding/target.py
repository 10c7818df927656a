"""The request target as bytes: what host it names, which prefix it lies under, whether it climbs out of it."""

import re
from typing import NamedTuple

_ABSOLUTE = re.compile(rb"(?i:https?)://(?:[^/?#@]*@)?([^/?#@]+)(.*)", re.DOTALL)
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_SUSPICIOUS = re.compile(rb"\.\.|%|\\")
"What a path must contain to climb, in any reading."


class Target(NamedTuple):
    """A request target, taken apart but never decoded (RFC 9112 §3.2)."""

    authority: bytes
    "Of the absolute form, else empty."
    path: bytes
    "Path and query; empty for a form that is neither origin-form nor absolute-form."


def take_apart(target: bytes) -> Target:
    """A target in origin-form or absolute-form."""
    if target.startswith(b"/"):
        return Target(b"", target)
    found = _ABSOLUTE.fullmatch(target)
    if not found:
        return Target(b"", b"")
    rest = found[2]
    return Target(found[1], rest if rest.startswith(b"/") else b"/" + rest)


def host_of(authority: bytes) -> str:
    """The host of `host:port`, in lower case and without the port (RFC 3986 §3.2)."""
    name = authority.decode("latin-1").lower()
    bracket = name.find("]")
    if bracket >= 0:
        return name[1:bracket]
    return name.partition(":")[0]


def climbs(rest: bytes) -> bool:
    """Whether what follows a route's prefix leaves it, read as the laxest server would.

    That is: percent-decoded twice, a backslash as a slash, `..;x` as `..`.
    """
    path = rest.partition(b"?")[0]
    if not _SUSPICIOUS.search(path):
        return False
    lax = _decoded(_decoded(path)).replace(b"\\", b"/")
    depth = 0
    for segment in lax.split(b"/"):
        name = segment.partition(b";")[0]
        if name == b"..":
            depth -= 1
        elif name not in (b"", b"."):
            depth += 1
        if depth < 0:
            return True
    return False


def _decoded(path: bytes) -> bytes:
    return _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), path)
