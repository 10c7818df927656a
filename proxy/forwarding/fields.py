"""Which fields go on, in which direction; decided once for each name, then looked up.

End-to-end fields keep their case, order and repetition; hop-by-hop fields (RFC 9110 §7.6.1) and what must not leave the
house or reach the sender is dropped before anything is added.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto

Field = tuple[bytes, bytes]

_HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer transfer-encoding"
    b" upgrade".split()
)
_SET_BY_US = frozenset(b"host content-length authorization expect".split())
_CREDENTIALS = frozenset(b"mysapsso2 sap-r3auth cookie2".split())
_SAP_ALLOWED = frozenset(b"sap_applicationid sap_sender sap_receiver sap_messagetype".split())
_LOOK_ALIKES = frozenset(
    b"contentlength transferencoding host authorization proxyauthorization mysapsso2 sapr3auth".split()
)
_ONLY_BY_NAME = {b"cookie": b"cookie", b"cookie2": b"cookie2", b"contenttype": b"content-type"}
"Fields that are looked at here under their own names only, by their letters."
_END_TO_END = re.compile(
    rb"(?:accept|content|if|sap|sec-fetch)[-_].*|accept|authorization|cache-control|cookie2?|date|etag|expect|expires"
    rb"|from|host|last-modified|location|mysapsso2|origin|range|referer|retry-after|set-cookie|soapaction|user-agent|vary"
    rb"|sapmessageidex|via|warning|x-correlationid|x-csrf-token|x-http-method(?:-override)?|x-request-id|x-requested-with"
)
"What is for the message's last reader, or was looked at here: Connection cannot take it away (RFC 9110 §7.6.1)."
_NOT_LETTERS = re.compile(rb"[^a-z0-9]")
_USUAL = frozenset({b"close", b"keep-alive", b""})
_NONE: frozenset[bytes] = frozenset()
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_MOST_NAMES = 4096
"Names that are remembered; senders with ever new names must not fill the memory."


class Kind(Enum):
    """What becomes of a field."""

    PASS = auto()
    DROP = auto()
    COOKIE = auto()
    "Rewritten by `proxy.forwarding.cookies`."


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRules:
    """What one route does with the fields of requests; names in lower case."""

    drop: frozenset[bytes] = frozenset()
    "`drop_fields`, and the names of `set_fields`, which replace the sender's."
    sap_fields: bool = False
    forwarded: bool = False
    "Whether Forwarded and X-Forwarded-* are made anew by us; the sender's own are dropped in any case."
    _known: dict[bytes, Kind] = field(default_factory=dict, repr=False, compare=False)

    def kind(self, name: bytes) -> Kind:
        """What becomes of a request field of that name."""
        known = self._known.get(name)
        if known is None:
            known = self._judge(name.lower())
            remember(self._known, name, known)
        return known

    def _judge(self, name: bytes) -> Kind:
        if name == b"cookie":
            return Kind.COOKIE
        dropped = (
            name in _HOP_BY_HOP
            or name in _SET_BY_US
            or name in _CREDENTIALS
            or name in self.drop
            or looks_like_framing(name)
            or looks_like_ours(name)
            or (name.startswith((b"sap_", b"camel")) and not self.sap_fields and name not in _SAP_ALLOWED)
        )
        return Kind.DROP if dropped else Kind.PASS


def looks_like_framing(name: bytes) -> bool:
    """Whether a careless server would read a name, in lower case, as a framing or credential field's."""
    return _NOT_LETTERS.sub(b"", name) in _LOOK_ALIKES


def looks_like_ours(name: bytes) -> bool:
    """Whether a name, in lower case, is or resembles one of a field that we write, or look at under its own name."""
    letters = _NOT_LETTERS.sub(b"", name)
    if letters == b"forwarded" or letters.startswith(b"xforwarded"):
        return True
    return _ONLY_BY_NAME.get(letters, name) != name


_RESPONSE_DROPPED = _HOP_BY_HOP | frozenset(b"content-length www-authenticate".split())


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseRules:
    """What happens to the fields of responses."""

    _known: dict[bytes, Kind] = field(default_factory=dict, repr=False, compare=False)

    def kind(self, name: bytes) -> Kind:
        """What becomes of a response field of that name."""
        known = self._known.get(name)
        if known is None:
            lower = name.lower()
            known = Kind.COOKIE if lower == b"set-cookie" else Kind.DROP if lower in _RESPONSE_DROPPED else Kind.PASS
            if not _NAME.fullmatch(name) or _NOT_LETTERS.sub(b"", lower) == b"proxystatus":
                known = Kind.DROP
            remember(self._known, name, known)
        return known


def remember(known: dict[bytes, Kind], name: bytes, kind: Kind) -> None:
    """Keep a decision, in bounded memory."""
    if len(known) >= _MOST_NAMES:
        known.clear()
    known[name] = kind


def select(fields: Iterable[Field], rules: RequestRules | ResponseRules) -> tuple[list[bytes], list[bytes]]:
    """(lines of the fields that pass, values of the cookie fields), without those that Connection names."""
    lines: list[bytes] = []
    cookies: list[bytes] = []
    known = rules._known  # noqa: SLF001 - one look-up a field is what this costs; a call would double it
    named = named_in_connection(fields)
    for each in fields:
        name = each[0]
        kind = known.get(name) or rules.kind(name)
        if kind is Kind.PASS:
            if not named or name.lower() not in named:
                lines.append(b": ".join(each))
        elif kind is Kind.COOKIE:
            cookies.append(each[1])
    return lines, cookies


def named_in_connection(fields: Iterable[Field]) -> frozenset[bytes]:
    """The names in lower case that Connection declares hop-by-hop (RFC 9110 §7.6.1), without the usual two.

    Nor those that it must not name, because they are for the message's last reader.
    """
    named: set[bytes] = set()
    for name, value in fields:
        if len(name) == 10 and name.lower() == b"connection":
            named.update(option.strip().lower() for option in value.split(b","))
    named -= _USUAL
    return frozenset(name for name in named if not _END_TO_END.fullmatch(name)) if named else _NONE


def value_of(fields: Iterable[Field], wanted: bytes) -> bytes:
    """The first value of the field with that name in lower case, or nothing."""
    size = len(wanted)
    for name, value in fields:
        if len(name) == size and name.lower() == wanted:
            return value
    return b""


def has(fields: Iterable[Field], wanted: bytes) -> bool:
    """Whether there is a field with that name in lower case, be it empty."""
    return any(len(name) == len(wanted) and name.lower() == wanted for name, _ in fields)


def values_of(fields: Iterable[Field], wanted: bytes) -> list[bytes]:
    """All values of the field with that name in lower case."""
    return [value for name, value in fields if len(name) == len(wanted) and name.lower() == wanted]
