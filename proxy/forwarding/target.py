"""The request target as bytes: what host it names, which path."""

import re

_ABSOLUTE = re.compile(rb"(?i:https?)://(?:[^/?#@]*@)?([^/?#@]+)(.*)", re.DOTALL)


class Target:
    """A request target, taken apart but never decoded (RFC 9112 §3.2)."""

    __slots__ = ("authority", "path")

    def __init__(self, authority: bytes, path: bytes) -> None:
        self.authority = authority
        "Of the absolute form, else empty."
        self.path = path
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
    """The host of `host:port`, in lower case, without the port (RFC 3986 §3.2) and a dot at its end."""
    name = authority.decode("latin-1").lower()
    bracket = name.find("]")
    if bracket >= 0:
        return name[1:bracket]
    return name.partition(":")[0].rstrip(".")
