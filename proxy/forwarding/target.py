"""The request target as bytes: what host it names, which prefix it lies under, whether it climbs out of it."""

import re
from typing import NamedTuple

_ABSOLUTE = re.compile(rb"(?i:https?)://(?:[^/?#@]*@)?([^/?#@]+)(.*)", re.DOTALL)
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_PARAMETERS = re.compile(rb"[;?#\0]")
"What ends the name of a segment: parameters, a query that was encoded, or the end of a string in C."
READINGS = 3
"Percent-decoded not at all, once, twice."
_SUSPICIOUS = re.compile(rb"\.\.|%|\\")
"What a path must contain to climb, in any reading."


class Target(NamedTuple):
    """A request target, taken apart but never decoded (RFC 9112 §3.2)."""

    authority: bytes
    "Of the absolute form, else empty."
    path: bytes
    "Path and query; empty for a form that is neither origin-form nor absolute-form."

    def __repr__(self) -> str:
        return f"<Target {self.path.partition(b'?')[0]!r}>"


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
    """Whether what follows a route's prefix leaves it in any reading that a server may have of it.

    Percent-decoded up to twice or not at all, a backslash as a slash or not, `..;x` as `..`. No reading is the
    laxest: `a%2fb/../..` climbs only where `%2f` stays part of a segment, `..%2f..` only where it does not.
    """
    path = rest.partition(b"?")[0]
    if not _SUSPICIOUS.search(path):
        return False
    for _ in range(READINGS):
        if _leaves(path) or _leaves(path.replace(b"\\", b"/")):
            return True
        path = _decoded(path)
    return False


def _leaves(path: bytes) -> bool:
    depth = 0
    for segment in path.split(b"/"):
        name = _PARAMETERS.split(segment, 1)[0].rstrip(b" ")
        if name == b"..":
            depth -= 1
        elif name not in (b"", b"."):
            depth += 1
        if depth < 0:
            return True
    return False


def _decoded(path: bytes) -> bytes:
    """Decoded once; overlong UTF-8 of a dot and a slash too, which old servers took for them."""
    plain = _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), path)
    return plain.replace(b"\xc0\xae", b".").replace(b"\xc0\xaf", b"/")
