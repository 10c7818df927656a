"""What a less strict server may make of a path: decoded, normalized, compared without case.

For refusals alone, because what goes on is the path as it came. Only the part behind a route's prefix is read this
way: the prefix is the configuration's own spelling.
"""

import re
from typing import Final, NamedTuple

_UNUSUAL: Final = re.compile(rb"[^!$&-*,-:=@A-Z_a-z~]|[/.]\.")
"Without any of this every server reads a path alike, but for case."
_ESCAPE = re.compile(rb"%(?:[uU]00)?([0-9A-Fa-f]{2})")
"Also as JavaScript's `escape` writes it, which IIS decodes."
_OVERLONG = re.compile(
    rb"(?:[\xc0\xc1]|\xe0[\x80\x81]|\xf0\x80[\x80\x81]|\xf8\x80\x80[\x80\x81]|\xfc\x80\x80\x80[\x80\x81])[\x80-\xbf]"
    rb"|\xc0[./]|\xc1\x1c"
)
"ASCII in more octets than it needs (RFC 3629 §3), and two that decoders without a check of the last octet took for it."
_OCTETS = {b"%02x" % number: bytes([number]) for number in range(256)}
_CONTROL = re.compile(r"[\0-\x1f\x7f-\x9f]")
_PARAMETERS = re.compile(r"[;?#][^/]*")
"What ends the name of a segment: parameters, or a query or fragment that was encoded."
_DOTS = re.compile(rb"\.[\0- \x7f-\xff+]*\.")
"What a path has if a segment may be read as `..`."
LONGEST = 1024
"Octets of a path with `..` that is looked at closely; beyond that nobody needs one, and it would take too long."


class Reading(NamedTuple):
    """What may be left of a path."""

    names: tuple[str, ...]
    "Of its segments in one case, without empty ones, `.` and `..`."
    certain: bool
    "Whether all of them are left; else some may be, in this order."


def climbs(rest: bytes) -> bool:
    """Whether what follows a route's prefix leaves it in any reading that a server may have of it.

    No reading is the laxest: `a%2fb/../..` climbs only where `%2f` stays part of a segment, `..%2f..` only where it
    does not. A parameter that holds a slash may be dropped before it is decoded, or after.
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


def readings(rest: bytes) -> list[Reading]:
    """The laxest readings of a path, the first of which reads the same from whatever a server makes of it.

    So what a server leaves of the path begins as one of these does; where it may drop segments, it is in one of these
    in this order.
    """
    path = rest.partition(b"?")[0]
    if not _UNUSUAL.search(path):
        return [Reading(tuple(filter(None, path.decode("ascii").lower().split("/"))), certain=True)]
    laxest = _laxest(path)
    held = _holds_slash(path, laxest)
    found: list[Reading] = []
    for text in _texts(laxest):
        segments = _segments(text)
        names = tuple(_folded(name) for name in segments if name not in ("", ".", ".."))
        found.append(Reading(names, certain=not held and ".." not in segments))
    return found


def _decodings(path: bytes) -> set[bytes]:
    """Percent-decoded not at all, once and twice; overlong UTF-8 for ASCII or not, a backslash for a slash or not."""
    found = {path, _shortened(path)}
    for _ in range(2):
        for each in list(found):
            decoded = _decoded(each)
            found |= {decoded, _shortened(decoded)}
    return found | {each.replace(b"\\", b"/") for each in found}


def _laxest(path: bytes) -> bytes:
    """With all that may be a slash, a dot or a semicolon as one."""
    return _shortened(_decoded(_shortened(_decoded(_shortened(path))))).replace(b"\\", b"/")


def _decoded(path: bytes) -> bytes:
    return _ESCAPE.sub(lambda found: _OCTETS[found[1].lower()], path)


def _shortened(path: bytes) -> bytes:
    """With ASCII in place of its overlong forms."""
    return _OVERLONG.sub(lambda found: bytes([(found[0][-2] & 1) << 6 | found[0][-1] & 0x3F]), path)


def _holds_slash(path: bytes, laxest: bytes) -> bool:
    """Whether what may be a parameter holds what may be a slash; of a long path that is assumed."""
    if b";" not in laxest:
        return False
    return len(path) > LONGEST or any(b"/" in _laxest(each).partition(b";")[2] for each in path.split(b"/"))


def _texts(path: bytes) -> list[str]:
    """Controls do not count, as what is not UTF-8 does not, but NUL may end a segment, as it ends a string in C."""
    text = path.decode("utf-8", "ignore")
    plain = _CONTROL.sub("", text)
    return [plain, _CONTROL.sub("", text.replace("\0", "?"))] if "\0" in text else [plain]


def _segments(text: str) -> list[str]:
    """Without parameters and white space around; `+` is a space to those that decode forms."""
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
    """In one case, by the rules of Unicode and Java: long s is s, the Turkish i are i."""
    return name.upper().casefold().replace("\u0307", "")
