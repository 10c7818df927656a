"""The request target as bytes: its authority and its path."""

from proxy.wire.request_target import ABSOLUTE_FORM


class Target:
    """A parsed request target, never decoded (RFC 9112 §3.2)."""

    __slots__ = ("authority", "path")

    def __init__(self, authority: bytes, path: bytes) -> None:
        self.authority = authority
        "Of the absolute-form, else empty."
        self.path = path
        "Path and query; empty for a form that is neither origin-form nor absolute-form."

    def __repr__(self) -> str:
        return f"<Target {self.path.partition(b'?')[0]!r}>"


def parse_target(target: bytes) -> Target:
    """Parses a target in origin-form or absolute-form. All other forms have an empty path."""
    if target.startswith(b"/"):
        return Target(b"", target)
    found = ABSOLUTE_FORM.fullmatch(target)
    if not found:
        return Target(b"", b"")
    rest = found[3]
    return Target(found[2], rest if rest.startswith(b"/") else b"/" + rest)
