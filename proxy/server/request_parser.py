"""Parses the requests of one connection: bytes in, events out; without sockets, clocks, or exchanges.

Theory of operation: `feed` takes what the socket gave, however it was cut. `next_event` returns the next event; call it
until it returns NEED_DATA or PAUSED. The values of an event are in the parser's attributes until the next one, which
saves an object for each message.

    BETWEEN --> HEAD --> BODY --> DONE --> BETWEEN      (`next_request`)
       |         |         |
       +---------+---------+----> ERROR                 (MALFORMED, `discard`)
    any of them ----------------> ENDED                 (`end`)

After DONE nothing is read until `next_request`: what follows a request is held until its answer is written
(RFC 9112 §9.3.2). After ERROR nothing is read at all, because it is unknown where a message begins.
"""

from enum import Enum
from typing import Final

from proxy.errors import HeadTooLarge, LengthRequired, ProxyError, RequestMalformed, TargetTooLong, VersionUnsupported
from proxy.wire.framing import WITHOUT_BODY, BodyMalformed, Decoder, may_be_body, request_body
from proxy.wire.grammar import UNSAID, RequestHead, RequestReader
from proxy.wire.heads import EMPTY_LINES, HeadCollector, HeadMalformed, HeadTooLong, VersionOther

UNFRAMED = "Bytes follow the head of a request that does not state the length of its body; send `Content-Length`."
DELIVERED = f"{UNFRAMED} The message may have been delivered without them."


class RequestEvent(Enum):
    """What the bytes are."""

    HEAD = "head"
    "`head` is complete, and its framing is unambiguous."
    CONTENT = "content"
    "More of the body: `content`."
    END = "end"
    "The request is complete; `content` is the last of its body, and often all of it."
    MALFORMED = "malformed"
    "Not a valid request or body; `error` is for the sender, or for the exchange if it has begun."
    NEED_DATA = "need data"
    PAUSED = "paused"
    "Nothing is read in this phase."


class RequestPhase(Enum):
    """How much of a request has been read."""

    BETWEEN = "between requests"
    HEAD = "within a head"
    BODY = "within a body"
    DONE = "behind a request"
    ERROR = "error"
    ENDED = "ended"
    "The sender has ended its side of the connection."


HEAD: Final = RequestEvent.HEAD
CONTENT: Final = RequestEvent.CONTENT
END: Final = RequestEvent.END
MALFORMED: Final = RequestEvent.MALFORMED
NEED_DATA: Final = RequestEvent.NEED_DATA
PAUSED: Final = RequestEvent.PAUSED
BETWEEN: Final = RequestPhase.BETWEEN
IN_HEAD: Final = RequestPhase.HEAD
IN_BODY: Final = RequestPhase.BODY
DONE: Final = RequestPhase.DONE
ERROR: Final = RequestPhase.ERROR
ENDED: Final = RequestPhase.ENDED


class RequestParser:
    """Reads one request after the other."""

    __slots__ = (
        "_collector",
        "_decoder",
        "_length",
        "_max_fields",
        "_reader",
        "_unframed",
        "content",
        "error",
        "head",
        "held",
        "phase",
    )

    def __init__(self, reader: RequestReader, *, max_head: int, max_fields: int) -> None:
        self._reader = reader
        self._collector = HeadCollector(max_head)
        self._max_fields = max_fields
        self._decoder: Decoder | None = None
        "None if the whole body came with its head,"
        self._length = 0
        "of this length."
        self._unframed = False
        "Whether the request has no length, and is the last of its sender."
        self.phase: RequestPhase = BETWEEN
        self.held = b""
        "Bytes that are not read yet; after a request they belong to the next."
        self.head: RequestHead | None = None
        self.content = b""
        self.error: ProxyError | None = None

    def __repr__(self) -> str:
        return f"<RequestParser {self.phase.value}, {len(self.held)} held>"

    @property
    def overrun(self) -> bool:
        """Whether bytes follow a last request without framing, so that they may be meant as its body."""
        head = self.head
        return self._unframed and self.phase is DONE and head is not None and may_be_body(head.method, self.held)

    @property
    def overrun_late(self) -> bool:
        """The same for bytes that came later; then the beginning of another request also looks like a body."""
        return self.overrun and self.head is not None and self.head.method not in WITHOUT_BODY

    @property
    def quiet(self) -> bool:
        """Whether the sender has sent everything, as far as is known."""
        return self.phase is ENDED or (self.phase is DONE and not self.held.strip(EMPTY_LINES))

    def feed(self, octets: bytes) -> None:
        """Adds bytes; drops them after an error."""
        if self.phase is not ERROR:
            self.held = self.held + octets if self.held else octets

    def next_event(self) -> RequestEvent:
        """Returns the next event."""
        phase = self.phase
        if phase is BETWEEN or phase is IN_HEAD:
            return self._read_head()
        if phase is IN_BODY:
            return self._read_body()
        return PAUSED

    def consume(self) -> bytes:
        """Returns and forgets the `content` of the event."""
        content, self.content = self.content, b""
        return content

    def next_request(self) -> None:
        """Goes on to the next request, after the answer to one that is DONE."""
        self.head, self.phase = None, BETWEEN

    def end(self) -> RequestEvent:
        """Is called when the sender has ended its side. Returns MALFORMED in the middle of a body, else PAUSED."""
        within, self.phase = self.phase is IN_BODY, ENDED
        if within:
            self.error = RequestMalformed("The connection ended in the middle of the body.")
            return MALFORMED
        return PAUSED

    def discard(self) -> None:
        """Reads and keeps nothing more."""
        self.phase, self.head, self.held, self.content = ERROR, None, b"", b""

    def _read_head(self) -> RequestEvent:
        try:
            octets, self.held = self._collector.feed(self.held)
            if not octets:
                if self.phase is BETWEEN and self._collector.begun:
                    self.phase = IN_HEAD
                return NEED_DATA
            head = self.head = self._reader.read(octets, self._max_fields)
            # nearly always the body is here already, and no decoder is needed to find its end
            length = self._length = head.length
            self._decoder = None if 0 <= length <= len(self.held) else request_body(head)
            self._unframed = length == UNSAID and not head.persistent
        except (HeadMalformed, HeadTooLong, BodyMalformed) as error:
            return self._malformed(refusal(error))
        self.phase = IN_BODY
        return HEAD

    def _read_body(self) -> RequestEvent:
        decoder = self._decoder
        if decoder is None:
            return self._take_whole()
        try:
            self.content, self.held = decoder.feed(self.held)
        except BodyMalformed as error:
            return self._malformed(RequestMalformed(f"The body has {error}; nothing of it can be trusted."))
        if decoder.done:
            self._decoder, self.phase = None, DONE
            return END
        return CONTENT if self.content else NEED_DATA

    def _take_whole(self) -> RequestEvent:
        length, held = self._length, self.held
        if len(held) == length:
            self.content, self.held = held, b""
        else:
            self.content, self.held = held[:length], held[length:]
        self.phase = DONE
        return END

    def _malformed(self, error: ProxyError) -> RequestEvent:
        self.discard()
        self.error = error
        return MALFORMED


def body_length(head: RequestHead) -> int | None:
    """Returns the length of the body in bytes; None if only its end will tell."""
    return head.length if head.length >= 0 else 0 if head.length == UNSAID else None


def expects_continue(head: RequestHead) -> bool:
    """Whether the sender waits for 100 (Continue) before it sends the body (RFC 9110 §10.1.1)."""
    return bool(head.minor and body_length(head) != 0 and head.fields.value(b"expect"))


def unframed(*, delivered: bool) -> LengthRequired:
    """Returns the error for an `overrun`."""
    return LengthRequired(DELIVERED if delivered else UNFRAMED)


def refusal(error: HeadMalformed | HeadTooLong | BodyMalformed) -> ProxyError:
    """Returns the error for a head that is not valid."""
    match error:
        case VersionOther():
            return VersionUnsupported("Send HTTP/1.1 or HTTP/1.0.")
        case HeadTooLong(first_line=True):
            return TargetTooLong("The request line is longer than `limits.max_head`.")
        case HeadTooLong():
            text = "The head has more bytes or fields than `limits.max_head` and `limits.max_fields` allow."
            return HeadTooLarge(text)
        case _:
            return RequestMalformed(f"The request cannot be read: {error} (RFC 9112).")
