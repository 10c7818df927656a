"""Names of fields, each judged once, then found by its spelling: whether it is forwarded, noted, or allowed once."""

import re
from collections.abc import Callable, Collection, Iterable

from proxy.syntax import TCHAR

FieldPairs = Collection[tuple[bytes, bytes]]
"Names and values of fields, as aiohttp and `Fields.pairs` have them."
TOKEN = re.compile(f"[{TCHAR}]+".encode())
"`field-name = token`, `token = 1*tchar` (RFC 9110 §5.1, §5.6.2)."
MOST = 2048
"Names in a table. Further ones are judged each time: ever new ones neither fill the memory nor push out others."
LONGEST = 64
"Octets of a name in a table."

_LENGTH = frozenset({b"content-length", b"transfer-encoding"})
_FRAMING = _LENGTH | {b"connection", b"proxy-connection"}


class FieldKind:
    """How fields of one name are treated."""

    __slots__ = ("name", "noted", "passes", "single")

    def __init__(self, name: bytes, *, passes: bool, noted: bool, single: bool) -> None:
        self.name = name
        "In lower case."
        self.passes = passes
        "Whether it is forwarded unless Connection or a route removes it."
        self.noted = noted
        "Whether its value is kept for `Fields.value`."
        self.single = single
        "Whether a second one makes the head malformed."

    def __repr__(self) -> str:
        return f"<FieldKind {self.name!r}>"


class FieldNames:
    """The kinds of all names of requests, or of responses. One table serves all connections."""

    def __init__(
        self,
        passes: Callable[[bytes], bool] = bool,
        *,
        asked: frozenset[bytes] = frozenset(),
        single: frozenset[bytes] = frozenset(),
        common: Iterable[bytes] = (),
    ) -> None:
        """Without `passes` every field is forwarded; fields about framing and persistence are always noted."""
        self._passes = passes
        self._single = single | _LENGTH
        self.noted = asked | single | _FRAMING
        "Names in lower case whose values are set apart."
        self.known: dict[bytes, FieldKind] = {}
        "By names as they came."
        for name in (*self.noted, *common):
            self.kind(name)
            self.kind(usual(name))

    def kind(self, name: bytes) -> FieldKind | None:
        """Returns how fields of this name are treated; None if the name is not a token."""
        known = self.known.get(name)
        if known is not None:
            return known
        if not TOKEN.fullmatch(name):
            return None
        lower = name.lower()
        kind = FieldKind(lower, passes=self._passes(lower), noted=lower in self.noted, single=lower in self._single)
        if len(self.known) < MOST and len(name) <= LONGEST:
            self.known[name] = kind
        return kind


def usual(name: bytes) -> bytes:
    """The spelling that most programs use: each part begins with a capital."""
    return b"-".join(part.capitalize() for part in name.split(b"-"))
