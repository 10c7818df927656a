"""The heads of one connection's requests, as they arrive: collected, read, and what they mean for the connection."""

from typing import NamedTuple

from proxy.errors import HeadTooLarge, ProxyError, RequestMalformed, TargetTooLong, VersionUnsupported
from proxy.forwarding.target import Target, take_apart
from proxy.wire.framing import BodyMalformed, Decoder, request_body
from proxy.wire.grammar import RequestHead, RequestReader
from proxy.wire.heads import HeadCollector, HeadMalformed, HeadTooLong, VersionOther


class Arrival(NamedTuple):
    """What a head means for the connection that it came over."""

    head: RequestHead
    target: Target
    framing: Decoder
    expects: bool
    "Whether the sender waits for being asked for the body (RFC 9110 §10.1.1)."
    request_id: str
    "The sender's own, or nothing."


class HeadReader:
    """Reads the heads of one connection."""

    __slots__ = ("_collector", "_max_fields", "_reader")

    def __init__(self, *, max_head: int, max_fields: int, reader: RequestReader) -> None:
        self._collector = HeadCollector(max_head)
        self._reader = reader
        self._max_fields = max_fields

    @property
    def begun(self) -> bool:
        """Whether a head has begun and not ended."""
        return self._collector.begun

    def feed(self, octets: bytes) -> tuple[Arrival | None, bytes]:
        """(what has arrived, what follows its head), nothing until a head is complete; ProxyError if it is none."""
        try:
            head, rest = self._collector.feed(octets)
            if not head:
                return None, b""
            return self._read(head), rest
        except (HeadMalformed, HeadTooLong, BodyMalformed) as error:
            raise refusal(error) from error

    def _read(self, octets: bytes) -> Arrival:
        head = self._reader.read(octets, self._max_fields)
        framing = request_body(head)
        expects = bool(head.minor and framing.length != 0 and head.fields.value(b"expect"))
        request_id = head.fields.value(b"x-request-id")[:128].decode("latin-1")
        return Arrival(head, take_apart(head.target), framing, expects, request_id)


def refusal(error: HeadMalformed | HeadTooLong | BodyMalformed) -> ProxyError:
    """What the sender is told about a head that cannot be read."""
    if isinstance(error, VersionOther):
        return VersionUnsupported("Send HTTP/1.1 or HTTP/1.0.")
    if isinstance(error, HeadTooLong):
        if error.first_line:
            return TargetTooLong("The request line is longer than `limits.max_head`.")
        return HeadTooLarge("The head has more octets or fields than `limits.max_head` and `limits.max_fields` allow.")
    return RequestMalformed(f"The request cannot be read: {error} (RFC 9112).")
