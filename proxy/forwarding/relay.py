"""Relays the upstream's answer: end-to-end fields, status and body unchanged. A cut body stays visibly cut."""

from typing import Final

from proxy.cpi.explain import explain
from proxy.cpi.mpl import ids_in_fields, mpl_id_in_failure
from proxy.errors import ProxyError
from proxy.forwarding.attempt import UpstreamAnswer
from proxy.forwarding.csrf.unit import CsrfUnit
from proxy.forwarding.fields import end_to_end
from proxy.forwarding.recording import record_answer
from proxy.forwarding.request import Request
from proxy.forwarding.routes import Route
from proxy.observe.exchange_record import ExchangeRecord
from proxy.wire.body import IncomingBody
from proxy.wire.coroutine_runner import woken
from proxy.wire.grammar import ResponseHead

SCANNED = 8 << 10
"Bytes of an error text that are searched."


class Framing:
    """How the answer to the sender is framed."""

    __slots__ = ("by_close", "chunked", "line")

    def __init__(self, line: bytes, *, chunked: bool = False, by_close: bool = False) -> None:
        self.line = line
        self.chunked = chunked
        self.by_close = by_close

    def __repr__(self) -> str:
        return f"<Framing {self.line!r}, chunked {self.chunked}, by close {self.by_close}>"


NO_CONTENT: Final = Framing(b"")
CHUNKS: Final = Framing(b"Transfer-Encoding: chunked", chunked=True)
TO_THE_END: Final = Framing(b"", by_close=True)


def relay(
    request: Request, route: Route, answer: UpstreamAnswer, unit: CsrfUnit | None, record: ExchangeRecord
) -> Framing | None:
    """Relays what has arrived of an answer. Returns the framing for `stream` if the body has not ended."""
    head, body, sender = answer.head, answer.body, request.sender
    record.relayed(head.status)
    record.mpl_id, record.correlation_id = ids_in_fields(head.fields)
    if sender.left or sender.half_closed:
        record.left()
    content = body.consume() if body.ended else b""
    framing = frame(request, head, body, content)
    if framing.by_close or not request.body.ended:
        sender.close_after()
    cookies: list[bytes] = []
    if unit is not None or head.fields.has(b"set-cookie"):
        cookies = set_cookies(route, head.fields.values(b"set-cookie"), unit, secure=sender.secure)
    octets = answer_head(request, head, cookies, framing)
    if record.recording is not None:
        record_answer(record.recording, octets, content, body)
    if body.ended:
        if head.status >= 400:
            note_failure(head, content, record)
        sender.send(octets + content)
        record.bytes_out += len(content)
        return None
    sender.send(octets)
    return framing


def frame(request: Request, head: ResponseHead, body: IncomingBody, content: bytes) -> Framing:
    """Returns the framing: the length if it is known, else chunks, or the end of the connection in HTTP/1.0."""
    if request.head.method == "HEAD" or head.status == 304:
        length = head.fields.value(b"content-length")
        return Framing(b"Content-Length: " + length) if length else NO_CONTENT
    if head.status == 204:
        return NO_CONTENT
    if body.length is not None or body.ended:
        return Framing(b"Content-Length: %d" % (len(content) if body.ended else body.length or 0))
    if request.head.minor == 0:
        return TO_THE_END
    return CHUNKS


def set_cookies(route: Route, values: list[bytes], unit: CsrfUnit | None, *, secure: bool) -> list[bytes]:
    """Returns the Set-Cookie lines for the sender, without cookies of our own CSRF session."""
    if unit is not None:
        route.csrf.update(unit, values)
        values = unit.for_sender(values)
    if not route.relays_cookies:
        return []
    return [b"Set-Cookie: " + route.cookie_rules.to_sender(value, secure=secure) for value in values]


def answer_head(request: Request, head: ResponseHead, cookies: list[bytes], framing: Framing) -> bytes:
    """Returns the head of the answer, including the empty line."""
    fields = head.fields
    lines = [b"HTTP/1.1 %d %b" % (head.status, head.reason), *end_to_end(fields), *cookies]
    if framing.line:
        lines.append(framing.line)
    if not fields.has(b"x-request-id"):
        lines.append(b"X-Request-ID: " + request.id.encode("latin-1"))
    if not request.sender.persistent():
        lines.append(b"Connection: close")
    elif request.head.minor == 0:
        lines.append(b"Connection: keep-alive")
    lines.append(b"\r\n")
    return b"\r\n".join(lines)


async def relay_body(request: Request, answer: UpstreamAnswer, framing: Framing, record: ExchangeRecord) -> None:
    """Relays the body as fast as the sender reads it. If it is cut short, the sender's connection is reset."""
    sender, head, body, first = request.sender, answer.head, answer.body, True
    try:
        while not sender.left:
            if sender.congested or body.waiting:
                await woken()
            elif piece := await body.read():
                if first:
                    first = False
                    note_failure(head, piece, record)
                record.bytes_out += len(piece)
                sender.send(b"%x\r\n%b\r\n" % (len(piece), piece) if framing.chunked else piece)
            else:
                break
    except ProxyError as failure:
        record.code, record.detail = failure.code, failure.detail
        sender.abort()
        return
    if sender.left:
        record.code = "sender_left"
    elif framing.chunked:
        sender.send(b"0\r\n\r\n")


def note_failure(head: ResponseHead, text: bytes, record: ExchangeRecord) -> None:
    """Records the MPL id and the diagnosis from the beginning of an error text."""
    if head.status >= 400:
        record.mpl_id = record.mpl_id or mpl_id_in_failure(text[:SCANNED])
        diagnosis = explain(head.status, head.fields.pairs(), text[:SCANNED])
        record.diagnosis = str(diagnosis) if diagnosis else ""
