"""One head, read three ways: by our grammar, by the letter of the RFCs, and by aiohttp's C parser.

By the letter it has to be the same in all respects. The C parser is an oracle: what we take it takes too, and reads the
same; what only it takes is refused for one of the reasons below. Each difference is listed here, and none other passes.
"""

import re
import socket
from typing import Any, NamedTuple, cast

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpRequestParser, HttpResponseParser
from aiohttp.http_exceptions import HttpProcessingError

from proxy.forwarding.fields import request_names, response_names
from proxy.wire.grammar import CHUNKED, UNSAID, Fields, RequestHead, RequestReader, ResponseHead, ResponseReader
from proxy.wire.heads import HeadMalformed
from tests.fuzz.reference import FIELD, STATUS_LINE, TOKEN, read_fields, values
from tests.fuzz.reference import Fields as Pairs

STRICTER = {
    "a method that is not a token": "RFC 9112 §2.2: empty lines may precede it, but no CR or LF alone",
    "a request line that is not three words with one space between them": "RFC 9112 §3: between them is one SP",
    "a request line that does not end with an HTTP version": "RFC 9112 §2.3: HTTP/0.9 has no fields, RTSP is not HTTP",
    "a request target that is not a valid URL": "RFC 3986 §3.2.2: a host of other characters ends in a field or a log",
    "a Content-Length that is not a number": "more than 18 digits: no body is as long, and somebody's number overflows",
    "Content-Length beside Transfer-Encoding": "RFC 9112 §6.1: also where the coding is empty",
    "Transfer-Encoding in HTTP/1.0": "RFC 9112 §6.1: the framing is faulty",
    "a Transfer-Encoding other than chunked alone": "RFC 9112 §6.1: other codings would be ours to understand",
}
"Why a request is refused that the C parser takes."
STRICTER_RESPONSES = {
    "a CR or LF that ends no line": "RFC 9112 §2.2: the next reader may take it for the end of one",
    "a control character": "RFC 9110 §5.5: CTL are dangerous in logs and terminals",
    "a folded line": "RFC 9112 §5.2: a proxy joins the lines, or refuses the answer",
    "a field name that is not a token": "RFC 9110 §5.1: the parser takes a space inside names that it knows",
    "white space before a colon": "RFC 9112 §5.1: a proxy removes it, or refuses the answer",
    "a status below 100": "RFC 9110 §15: no class has it",
    "a status that is not a number of three digits": "RFC 9112 §4: SP follows it, or the end of the line",
    "a version other than HTTP/1.0 and HTTP/1.1": "RFC 9112 §2.2: empty lines may precede it, but no CR or LF alone",
    "a Content-Length that is not a number": STRICTER["a Content-Length that is not a number"],
    "a Transfer-Encoding other than chunked alone": STRICTER["a Transfer-Encoding other than chunked alone"],
    "Content-Length beside Transfer-Encoding": STRICTER["Content-Length beside Transfer-Encoding"],
    "Transfer-Encoding in HTTP/1.0": STRICTER["Transfer-Encoding in HTTP/1.0"],
    "more than one Transfer-Encoding": "RFC 9112 §6.1: other codings would be ours to understand",
}
"Why a response is."
WIDER = re.compile(rb"\ACONNECT |\r\n(?i:sec-websocket-key1):")
"""What we take and the C parser does not.

Whatever a tunnel is asked for, admission refuses it, and says what to do instead. The field is one that a draft of
WebSocket once had; to us it is one of many.
"""
SINGLE = (
    b"content-length content-location content-range content-type etag host max-forwards server transfer-encoding"
    b" user-agent".split()
)
REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") ([!-~]+) HTTP/1\.([01])\r\n")
TAB_AT_CODING = re.compile(rb"\r\ntransfer-encoding:(?:\t| +\t|[^\r]*\t *\r)", re.IGNORECASE)
"White space that some readers do not take for such."
HOST = re.compile(rb"[!$&'()*+,;=._~%0-9A-Za-z-]+")
READERS = RequestReader(request_names()), ResponseReader(response_names())


class Read(NamedTuple):
    """What a head is read as."""

    start: tuple[bytes, bytes, int]
    "(method, target, minor) or (status, reason, minor)."
    fields: Pairs
    length: int
    persistent: bool


def request_heads_are_read_alike(octets: bytes) -> None:
    """AssertionError if the three differ in an unlisted way."""
    ours, fault = our_request(octets)
    assert ours == request_by_the_letter(octets), fault
    theirs = their_request(octets)
    if ours is not None:
        assert theirs == ours or WIDER.search(octets)
    elif theirs is not None:
        assert fault in STRICTER, (fault, theirs)


def response_heads_are_read_alike(octets: bytes) -> None:
    """AssertionError if the three differ in an unlisted way."""
    ours, fault = our_response(octets)
    assert ours == response_by_the_letter(octets), fault
    theirs = their_response(octets)
    if ours is not None:
        assert theirs == ours or WIDER.search(octets)
    elif theirs is not None:
        assert fault in STRICTER_RESPONSES, (fault, theirs)


# ---- ours


def our_request(octets: bytes) -> tuple[Read | None, str]:
    """(what it is read as, else why not)."""
    try:
        head = READERS[0].read(octets, 1000)
    except HeadMalformed as error:
        return None, str(error)
    return read_as((head.method.encode(), head.target, head.minor), head), ""


def our_response(octets: bytes) -> tuple[Read | None, str]:
    """(what it is read as, else why not)."""
    try:
        head = READERS[1].read(octets)
    except HeadMalformed as error:
        return None, str(error)
    return read_as((b"%d" % head.status, head.reason, head.minor), head), ""


def read_as(start: tuple[bytes, bytes, int], head: RequestHead | ResponseHead) -> Read:
    """For comparing; what the head tells of its fields has to be what their lines tell."""
    pairs = tuple(head.fields.pairs())
    lower = [name.lower() for name, _ in pairs]
    for name in {*lower, b"host", b"x-not-there"}:
        told = [value for each, (_, value) in zip(lower, pairs, strict=True) if each == name]
        assert asked(head.fields, name) == (bool(told), told[0] if told else b"", told)
    assert head.fields.named == named_by_the_letter(pairs)
    return Read(start, pairs, head.length, head.persistent)


def asked(fields: Fields, name: bytes) -> tuple[bool, bytes, list[bytes]]:
    """All that can be asked about a name."""
    return fields.has(name), fields.value(name), fields.values(name)


# ---- by the letter


def request_by_the_letter(octets: bytes) -> Read | None:
    """RFC 9112 §3 to §6, one rule after the other."""
    line = REQUEST_LINE.match(octets)
    if line is None or not is_target(line[1], line[2]):
        return None
    fields, end = read_fields(octets, line.end(), FIELD)
    minor = int(line[3])
    if TAB_AT_CODING.search(octets):
        return None
    if end != len(octets) or any(len(values(fields, name)) > 1 for name in SINGLE):
        return None
    if minor and not values(fields, b"host"):
        return None
    length = length_by_the_letter(fields, minor)
    return None if length is None else Read((line[1], line[2], minor), fields, length, goes_on(fields, minor))


def response_by_the_letter(octets: bytes) -> Read | None:
    """RFC 9112 §4 to §6, one rule after the other."""
    line = STATUS_LINE.match(octets)
    if line is None:
        return None
    fields, end = read_fields(octets, line.end(), FIELD)
    if TAB_AT_CODING.search(octets):
        return None
    if end != len(octets):
        return None
    minor = int(line[1])
    length = length_by_the_letter(fields, minor)
    if length is None:
        return None
    return Read((line[2], line[3] or b"", minor), fields, length, goes_on(fields, minor))


def is_target(method: bytes, target: bytes) -> bool:
    """RFC 9112 §3.2."""
    if method == b"CONNECT":
        return True  # refused by admission
    if target.startswith(b"/") or (target == b"*" and method == b"OPTIONS"):
        return True
    scheme, colon, rest = target.partition(b"://")
    authority = re.split(rb"[/?]", rest)[0]
    if not colon or not re.fullmatch(rb"[A-Za-z]+", scheme) or authority.count(b"@") > 1:
        return False
    user, _, host = authority.rpartition(b"@")
    return is_authority(host) and re.fullmatch(rb"[!$&'()*+,;=._~%0-9A-Za-z:-]*", user) is not None


def is_authority(octets: bytes) -> bool:
    """A host, and a port up to 65535 (RFC 3986 §3.2)."""
    host, colon, port = octets.rpartition(b":") if not octets.endswith(b"]") else (octets, b"", b"")
    if colon and port and not (port.isdigit() and int(port) <= 65535):
        return False
    name = host if colon else octets
    if name[:1] == b"[":
        return is_ip_literal(name)
    return HOST.fullmatch(name) is not None


def is_ip_literal(octets: bytes) -> bool:
    """An IPv6 address in brackets; the inet_pton of the system knows what is one."""
    try:
        socket.inet_pton(socket.AF_INET6, octets.decode()[1:-1])
    except OSError:
        return False
    return octets[-1:] == b"]"


def length_by_the_letter(fields: Pairs, minor: int) -> int | None:
    """RFC 9112 §6.3, with what is in doubt refused."""
    lengths, codings = values(fields, b"content-length"), values(fields, b"transfer-encoding")
    match lengths, [coding.lower() for coding in codings]:
        case [], []:
            return UNSAID
        case [], [b"chunked"] if minor:
            return CHUNKED
        case [said], [] if re.fullmatch(rb"[0-9]{1,18}", said):
            return int(said)
    return None


def named_by_the_letter(fields: Pairs) -> set[bytes]:
    """RFC 9110 §7.6.1."""
    options = [option.strip(b" \t").lower() for value in values(fields, b"connection") for option in value.split(b",")]
    return {*options} - {b"close", b"keep-alive", b""}


def goes_on(fields: Pairs, minor: int) -> bool:
    """RFC 9112 §9.3, and Proxy-Connection."""
    said = values(fields, b"connection") + values(fields, b"proxy-connection")
    options = [option.strip(b" \t").lower() for value in said for option in value.split(b",")]
    return b"close" not in options and (minor == 1 or b"keep-alive" in options)


# ---- aiohttp's C parser

_LOOP: Any = None
_PROTOCOL = BaseProtocol(_LOOP)
_OPTIONS: dict[str, Any] = {
    "response_with_body": False,
    "max_line_size": 1 << 30,
    "max_headers": 1 << 30,
    "max_field_size": 1 << 30,
}


def their_request(octets: bytes) -> Read | None:
    """If it is one head and nothing else; methods that it does not know stand as POST."""
    method = octets.split(b" ", 1)[0]
    known = re.fullmatch(rb"GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|CONNECT|TRACE", method)
    if not known and re.fullmatch(TOKEN, method):
        octets = b"POST" + octets[len(method) :]
    message = parsed(HttpRequestParser, octets)
    if message is None or message.version.major != 1 or message.version.minor > 1:
        return None
    target = message.path.encode("utf-8", "surrogateescape")
    return theirs((method, target, message.version.minor), message)


def their_response(octets: bytes) -> Read | None:
    """If it is one head and nothing else."""
    message = parsed(HttpResponseParser, octets)
    if message is None or message.version.major != 1 or message.version.minor > 1:
        return None
    minor = message.version.minor
    read = theirs((b"%d" % message.code, message.reason.encode("utf-8", "surrogateescape"), minor), message)
    # without a length it says that the connection ends, whatever method the response is for (RFC 9112 §6.3)
    return read._replace(persistent=goes_on(read.fields, minor)) if read.length == UNSAID else read


def parsed(kind: Any, octets: bytes) -> Any:
    """Or None: what is no single head is handed on by nobody."""
    if octets.find(b"\r\n\r\n") != len(octets) - 4:
        return None
    try:
        messages, _, rest = kind(_PROTOCOL, cast("Any", None), 1, **_OPTIONS).feed_data(octets)
    except (HttpProcessingError, IndexError):  # the latter is yarl's fault, for `http://]`
        return None
    return messages[0][0] if len(messages) == 1 and not rest else None


def theirs(start: tuple[bytes, bytes, int], message: Any) -> Read:
    """For HTTP/1.0 it lets keep-alive win over close (RFC 9112 §9.3)."""
    fields: Pairs = message.raw_headers
    minor = start[2]
    lengths = values(fields, b"content-length")
    length = CHUNKED if message.chunked else int(lengths[0]) if lengths else UNSAID
    persistent = not message.should_close and (minor == 1 or goes_on(fields, minor))
    return Read(start, fields, length, persistent)
