"""HTTP/1 heads in one pass: bytes in, one value out; the grammar of RFC 9110 §5 and RFC 9112 §2 to §6.

A head is split into lines once. The name of each line is looked up in a table of names that have been judged
(`proxy.wire.field_names`), and lines that pass are kept as they came, without an object for each field. What two
readers could understand differently is refused: a proxy with a token must not guess. Responses are read as strictly as
requests; only that fewer of their fields may not come twice.
"""

import re
from typing import Final

from proxy.syntax import values_of
from proxy.wire.field_names import TOKEN, FieldNames, usual
from proxy.wire.heads import HeadMalformed, HeadTooLong, VersionOther
from proxy.wire.request_target import is_target

CHUNKED: Final = -1
"The `length` of a body that comes in chunks (RFC 9112 §7.1)."
UNSAID: Final = -2
"The `length` if no field states it."
Pair = tuple[bytes, bytes]

_CONTROLS: Final = bytes({*range(0x20), 0x7F} - {0x09})
"CTL but HTAB; of these CR and LF may stand, as ends of lines (RFC 9110 §5.5, RFC 9112 §2.2)."
_METHODS: Final = {name.encode(): name for name in ("POST", "GET", "PUT", "HEAD", "DELETE", "PATCH", "OPTIONS")}
_KEEP_ALIVE: Final = frozenset({b" keep-alive", b" Keep-Alive", b"keep-alive", b"Keep-Alive"})
"The usual values of Connection, which need no parsing."
_VERSION: Final = re.compile(rb"HTTP/[0-9]\.[0-9]")


class Fields:
    """The fields of a head. Names are given in lower case; values come without the white space around them."""

    __slots__ = ("_again", "_names", "_noted", "lines", "named", "passing")

    def __init__(self, lines: list[bytes], passing: list[bytes], noted: dict[bytes, bytes], names: FieldNames) -> None:
        self.lines = lines
        "All field lines as received, in order. Read only, as are the following two."
        self.passing = passing
        "The lines that are forwarded unless Connection or a route removes them."
        self.named: frozenset[bytes] = frozenset()
        "What Connection declares hop-by-hop (RFC 9110 §7.6.1), in lower case, without `close` and `keep-alive`."
        self._names = names
        self._noted = noted
        "First value of each noted field, by name, with the white space around it."
        self._again: tuple[Pair, ...] = ()
        "Further values of noted fields."

    def __repr__(self) -> str:
        return f"<Fields {len(self.lines)}>"

    def has(self, name: bytes) -> bool:
        """Whether there is such a field, even an empty one."""
        return name in self._noted or (name not in self._names.noted and bool(self.values(name)))

    def value(self, name: bytes) -> bytes:
        """Returns the value of the first such field, or nothing."""
        value = self._noted.get(name)
        if value is not None:
            return value.strip(b" \t")
        if name in self._names.noted:
            return b""
        values = self.values(name)
        return values[0] if values else b""

    def values(self, name: bytes) -> list[bytes]:
        """Returns the values of all such fields, in order."""
        value = self._noted.get(name)
        if value is not None:
            values = [value.strip(b" \t")]
            if self._again:
                values += [again for each, again in self._again if each == name]
            return values
        if name in self._names.noted:
            return []
        return values_of(self.pairs(), name)  # asked for by a configuration

    def pairs(self) -> list[Pair]:
        """Returns names as they came, and values; slow."""
        return [(name, value.strip(b" \t")) for name, _, value in [line.partition(b":") for line in self.lines]]

    def length(self, minor: int) -> int:
        """Returns the body's length by the fields (RFC 9112 §6). Raises HeadMalformed if that is ambiguous."""
        noted = self._noted
        said = noted.get(b"content-length")
        if b"transfer-encoding" in noted:
            if said is not None:  # §6.1: "ought to be handled as an error"
                raise HeadMalformed("Content-Length beside Transfer-Encoding")
            if minor == 0:  # §6.1: "MUST treat the message as if the framing is faulty"
                raise HeadMalformed("Transfer-Encoding in HTTP/1.0")
            if noted[b"transfer-encoding"].strip(b" ").lower() != b"chunked":  # a tab: some readers do not take it away
                raise HeadMalformed("a Transfer-Encoding other than chunked alone")
            return CHUNKED
        if said is None:
            return UNSAID
        said = said.strip(b" \t")
        if not said.isdigit() or len(said) > 18:  # Content-Length = 1*DIGIT (RFC 9110 §8.6); RFC 9112 §6.3 rule 5
            raise HeadMalformed("a Content-Length that is not a number")
        return int(said)

    def persistent(self, minor: int) -> bool:
        """Whether the connection stays open (RFC 9112 §9.3); sets `named` from Connection.

        Senders that take us for an HTTP proxy say it in Proxy-Connection (RFC 9112 §C.2.2).
        """
        noted = self._noted
        said = noted.get(b"connection")
        if b"proxy-connection" not in noted and not self._again:
            if said is None:
                return minor == 1
            if said in _KEEP_ALIVE:
                return True
        # Connection = #connection-option, without case (RFC 9110 §7.6.1)
        options = self._options(b"connection")
        self.named = frozenset(options - {b"close", b"keep-alive", b""})
        options |= self._options(b"proxy-connection")
        return b"close" not in options and (minor == 1 or b"keep-alive" in options)

    def _options(self, name: bytes) -> set[bytes]:
        return {option.strip(b" \t").lower() for value in self.values(name) for option in value.split(b",")}

    def note_repeated(self) -> None:
        """Notes second and further values. Raises HeadMalformed if a field is repeated that must not be."""
        first: set[bytes] = set()
        again: list[Pair] = []
        for name, value in self.pairs():
            kind = self._names.kind(name)
            if kind is None or not kind.noted:
                continue
            if kind.name not in first:
                self._noted[kind.name] = value
                first.add(kind.name)
            elif kind.single:
                raise HeadMalformed(f"more than one {usual(kind.name).decode()}")
            else:
                again.append((kind.name, value))
        self._again = tuple(again)


class RequestHead:
    """A request line and its fields, as bytes of the wire."""

    __slots__ = ("fields", "length", "method", "minor", "persistent", "target")

    def __init__(self, method: str, target: bytes, minor: int, fields: Fields) -> None:
        self.method = method
        self.target = target
        self.minor = minor
        "Of HTTP/1.x."
        self.fields = fields
        self.length = fields.length(minor)
        "The length of the body in bytes from its fields, CHUNKED or UNSAID."
        self.persistent = fields.persistent(minor)
        "Whether the sender keeps the connection open (RFC 9112 §9.3)."

    def __repr__(self) -> str:
        return f"<RequestHead {self.method}, {len(self.fields.lines)} fields>"


class ResponseHead:
    """A status line and its fields, as bytes of the wire."""

    __slots__ = ("fields", "length", "minor", "persistent", "reason", "status")

    def __init__(self, status: int, reason: bytes, minor: int, fields: Fields) -> None:
        self.status = status
        self.reason = reason
        self.minor = minor
        "Of HTTP/1.x."
        self.fields = fields
        self.length = fields.length(minor)
        "The length of the body in bytes by its fields alone, without method and status; CHUNKED or UNSAID."
        self.persistent = fields.persistent(minor)
        "Whether the upstream keeps the connection open; a body without a length ends with it nevertheless."

    def __repr__(self) -> str:
        return f"<ResponseHead {self.status}, {len(self.fields.lines)} fields>"


class RequestReader:
    """Reads heads of requests; holds nothing of them but names. One serves all connections."""

    __slots__ = ("_names",)

    def __init__(self, names: FieldNames) -> None:
        self._names = names

    def read(self, octets: bytes, max_fields: int) -> RequestHead:
        """Reads a complete head. Raises HeadMalformed, VersionOther, or HeadTooLong for too many fields."""
        lines = octets.split(b"\r\n")
        if len(lines) - 3 > max_fields:
            raise HeadTooLong(first_line=False)
        words = lines[0].split(b" ")
        # request-line = method SP request-target SP HTTP-version (RFC 9112 §3)
        version = words[-1]
        minor = 1 if version == b"HTTP/1.1" else 0
        if not minor and version != b"HTTP/1.0":
            _refuse_version(version)
        if len(words) != 3:
            raise HeadMalformed("a request line that is not three words with one space between them")
        method = _METHODS.get(words[0]) or _method(words[0])
        target = words[1]
        plain = target[:1] == b"/" and target.isascii() and 0x09 not in target and method != "CONNECT"
        if not plain and not is_target(method, target):
            raise HeadMalformed("a request target that is not a valid URL")
        fields = _read_fields(octets, lines, self._names)
        if minor and not fields.has(b"host"):  # RFC 9112 §3.2; a second one is refused as any single field's
            raise HeadMalformed("no Host field")
        return RequestHead(method, target, minor, fields)


class ResponseReader:
    """Reads heads of responses; holds nothing of them but names. One serves all connections."""

    __slots__ = ("_names",)

    def __init__(self, names: FieldNames) -> None:
        self._names = names

    def read(self, octets: bytes) -> ResponseHead:
        """Reads a complete head. Raises HeadMalformed."""
        lines = octets.split(b"\r\n")
        line = lines[0]
        # status-line = HTTP-version SP status-code SP [ reason-phrase ] (RFC 9112 §4); the second SP is often missing
        version, code = line[:9], line[9:12]
        if version != b"HTTP/1.1 " and version != b"HTTP/1.0 ":  # noqa: PLR1714 - compiled, this is faster
            raise HeadMalformed("a version other than HTTP/1.0 and HTTP/1.1")
        if len(code) != 3 or not code.isdigit() or line[12:13] not in (b" ", b""):
            raise HeadMalformed("a status that is not a number of three digits")
        status = int(code)
        if status < 100:  # RFC 9110 §15
            raise HeadMalformed("a status below 100")
        fields = _read_fields(octets, lines, self._names)
        return ResponseHead(status, line[13:], 1 if version == b"HTTP/1.1 " else 0, fields)


def _read_fields(octets: bytes, lines: list[bytes], names: FieldNames) -> Fields:
    """The field lines of a head, `*( field-line CRLF ) CRLF` (RFC 9112 §2.1): all lines but the first and the last."""
    if len(octets.translate(None, _CONTROLS)) != len(octets) - 2 * (len(lines) - 1):
        _refuse_controls(lines)
    if len(lines) < 3 or lines[-1] or lines[-2]:
        raise HeadMalformed("no empty line at its end")
    del lines[-2:], lines[0]
    known, count = names.known, 0
    passing: list[bytes] = []
    noted: dict[bytes, bytes] = {}
    for line in lines:
        # field-line = field-name ":" OWS field-value OWS (RFC 9112 §5)
        name, colon, value = line.partition(b":")
        kind = known.get(name) or names.kind(name)
        if kind is None or not colon:
            raise _not_a_field(name, colon)
        if kind.passes:
            passing.append(line)
        if kind.noted:
            noted[kind.name] = value
            count += 1
    fields = Fields(lines, passing, noted, names)
    if len(noted) != count:
        fields.note_repeated()
    return fields


def _method(word: bytes) -> str:
    """A method that is not among the usual ones; it keeps its case (RFC 9110 §9.1)."""
    if not TOKEN.fullmatch(word):
        raise HeadMalformed("a method that is not a token")
    return word.decode()


def _refuse_version(version: bytes) -> None:
    """`HTTP-version = HTTP-name "/" DIGIT "." DIGIT`, with case (RFC 9112 §2.3)."""
    if _VERSION.fullmatch(version):
        raise VersionOther("a version of HTTP other than 1.0 and 1.1")
    raise HeadMalformed("a request line that does not end with an HTTP version")


def _refuse_controls(lines: list[bytes]) -> None:
    """RFC 9112 §2.2: some readers end a line at a bare CR or LF; RFC 9110 §5.5: CTL are dangerous."""
    if any(b"\r" in line or b"\n" in line for line in lines):
        raise HeadMalformed("a CR or LF that ends no line")
    raise HeadMalformed("a control character")


def _not_a_field(name: bytes, colon: bytes) -> HeadMalformed:
    """Returns what is wrong with a line that is not a field line."""
    if name[:1] in (b" ", b"\t"):  # obs-fold, which a server may refuse (RFC 9112 §5.2)
        return HeadMalformed("a folded line")
    if not colon or not name:
        return HeadMalformed("a line without a name and a colon")
    if name[-1:] in (b" ", b"\t"):  # RFC 9112 §5.1: "MUST reject"
        return HeadMalformed("white space before a colon")
    return HeadMalformed("a field name that is not a token")
