"""Reads a path as lenient servers may: decoded, normalized, and without case.

This decides about refusals only; the path is forwarded unchanged. Only the part after a route's prefix is read, because
the prefix is spelled as in the configuration.
"""

import re
from typing import Final, NamedTuple

_UNUSUAL: Final = re.compile(rb"[^!$&-*,-:=@A-Z_a-z~]|[/.]\.")
"Without any of this all servers read a path alike, except for its case."
_ESCAPE = re.compile(rb"%(?:[uU]00)?([0-9A-Fa-f]{2})")
"Includes the form of JavaScript's `escape`, which IIS decodes."
_OVERLONG = re.compile(
    rb"(?:[\xc0\xc1]|\xe0[\x80\x81]|\xf0\x80[\x80\x81]|\xf8\x80\x80[\x80\x81]|\xfc\x80\x80\x80[\x80\x81])[\x80-\xbf]"
    rb"|\xc0[./]|\xc1\x1c"
)
"ASCII in more bytes than necessary (RFC 3629 §3), and two forms that careless decoders accept."
_OCTETS = {b"%02x" % number: bytes([number]) for number in range(256)}
_CONTROL = re.compile(r"[\0-\x1f\x7f-\x9f]")
_PARAMETERS = re.compile(r"[;?#][^/]*")
"Parameters of a segment, or an encoded query or fragment."
_DOTS = re.compile(rb"\.[\0- \x7f-\xff+]*\.")
"A path has this if a segment may be read as `..`."
LONGEST = 1024
"Bytes. A longer path with `..` is refused without reading it closely, which would take too long."


class PathReading(NamedTuple):
    """The segments that a server may read in a path."""

    names: tuple[str, ...]
    "In one case, without empty ones, `.` and `..`."
    certain: bool
    "Whether a server reads all of them; else it may read some of them, in this order."


def climbs(rest: bytes) -> bool:
    """Whether a server may read the rest of a path, after a route's prefix, as leading out of the prefix.

    No single reading finds all cases: `a%2fb/../..` climbs only if `%2f` stays part of a segment, `..%2f..` only if it
    does not. A parameter with a slash may be removed before it is decoded, or after.
    """
    path = rest.partition(b"?")[0]
    if not _UNUSUAL.search(path):
        return False
    laxest = _laxest(path)
    if not (_DOTS.search(laxest) and any(".." in _segments(text) for text in _texts(laxest))):
        return False
    if len(path) > LONGEST or _holds_slash(path, laxest):
        return True
    return any(_leaves(text) for reading in _decodings(path) for text in _texts(reading))


def readings(rest: bytes) -> list[PathReading]:
    """Returns the most lenient readings of a path.

    The path that a server reads begins with the names of one of them. If the reading is not certain, it has names of
    one of them, in the same order.
    """
    path = rest.partition(b"?")[0]
    if not _UNUSUAL.search(path):
        return [PathReading(tuple(filter(None, path.decode("ascii").lower().split("/"))), certain=True)]
    laxest = _laxest(path)
    held = _holds_slash(path, laxest)
    found: list[PathReading] = []
    for text in _texts(laxest):
        segments = _segments(text)
        names = tuple(_folded(name) for name in segments if name not in ("", ".", ".."))
        found.append(PathReading(names, certain=not held and ".." not in segments))
    return found


def _decodings(path: bytes) -> set[bytes]:
    """Returns the path decoded up to twice, with and without overlong UTF-8 and backslashes replaced."""
    found = {path, _shortened(path)}
    for _ in range(2):
        for each in list(found):
            decoded = _decoded(each)
            found |= {decoded, _shortened(decoded)}
    return found | {each.replace(b"\\", b"/") for each in found}


def _laxest(path: bytes) -> bytes:
    """Replaces all that may be read as a slash, a dot or a semicolon."""
    return _shortened(_decoded(_shortened(_decoded(_shortened(path))))).replace(b"\\", b"/")


def _decoded(path: bytes) -> bytes:
    return _ESCAPE.sub(lambda found: _OCTETS[found[1].lower()], path)


def _shortened(path: bytes) -> bytes:
    """Replaces overlong forms of ASCII."""
    return _OVERLONG.sub(lambda found: bytes([(found[0][-2] & 1) << 6 | found[0][-1] & 0x3F]), path)


def _holds_slash(path: bytes, laxest: bytes) -> bool:
    """Whether a parameter may contain a slash; assumed for a long path."""
    if b";" not in laxest:
        return False
    return len(path) > LONGEST or any(b"/" in _laxest(each).partition(b";")[2] for each in path.split(b"/"))


def _texts(path: bytes) -> list[str]:
    """Returns the path as text, without controls and invalid UTF-8. NUL may also end a segment, as in C."""
    text = path.decode("utf-8", "ignore")
    plain = _CONTROL.sub("", text)
    return [plain, _CONTROL.sub("", text.replace("\0", "?"))] if "\0" in text else [plain]


def _segments(text: str) -> list[str]:
    """Returns the segments without parameters and surrounding white space. Form decoders read `+` as a space."""
    names = map(str.strip, _PARAMETERS.sub("", text.replace("+", " ")).split("/"))
    return ["".join(name.split()) if name.startswith(".") else name for name in names]


def _leaves(text: str) -> bool:
    depth = 0
    for name in _segments(text):
        if name == "..":
            depth -= 1
        elif name not in ("", "."):
            depth += 1
        if depth < 0:
            return True
    return False


def _folded(name: str) -> str:
    """Folds the case as Unicode and Java do: long s is s, the Turkish i are i."""
    return name.upper().casefold().replace("\u0307", "")
