"""Reads responses without a socket: octets in, events out (RFC 9112 §4, §6). One parser serves one connection.

Theory of operation, as of h11: whoever uses it feeds what came, and asks for events until one says that there is
nothing more. The events of one response are its final head, its content in pieces, and END_OF_MESSAGE; they are the
same however the octets were cut, but for where the content is. Interim responses are passed over (RFC 9110 §15.2).

| state    | what has come                               | goes on to                                             |
|----------|---------------------------------------------|--------------------------------------------------------|
| AWAITING | nothing                                     | HEAD with the first octet                              |
| HEAD     | a part of a head, or interim responses      | BODY with the final head                               |
| BODY     | the final head, and maybe some content      | COMPLETE with END_OF_MESSAGE                           |
| COMPLETE | the whole response; what follows is excess  | AWAITING with `begin`                                  |

HeadMalformed, HeadTooLong and BodyMalformed are for good: nobody knows where the next response would begin.
"""

import re
from enum import Enum
from typing import Final

from proxy.wire.deadlines import NEVER
from proxy.wire.framing import NO_BODY, Decoder, response_body
from proxy.wire.grammar import ResponseHead, ResponseReader
from proxy.wire.heads import HeadCollector, HeadMalformed

MOST_HEADS: Final = 64
"Of one response, the final one included."
MARGIN = 1.0
"Seconds before the upstream's own end; a request that is written then still arrives in time."
_TIMEOUT = re.compile(rb"(?i:(?:^|[,; \t])timeout[ \t]*=[ \t]*\"?([0-9]{1,9})(?![0-9]))")


class ResponseState(Enum):
    """How much of a response has come."""

    AWAITING = "awaiting"
    HEAD = "head"
    BODY = "body"
    COMPLETE = "complete"


AWAITING: Final = ResponseState.AWAITING
HEAD: Final = ResponseState.HEAD
BODY: Final = ResponseState.BODY
COMPLETE: Final = ResponseState.COMPLETE


class ResponseSignal(Enum):
    """Events without a value."""

    NEED_DATA = "need data"
    END_OF_MESSAGE = "end of message"


NEED_DATA: Final = ResponseSignal.NEED_DATA
END_OF_MESSAGE: Final = ResponseSignal.END_OF_MESSAGE
ResponseEvent = ResponseHead | bytes | ResponseSignal


class ResponseParser:
    """Reads one response after the other, each after `begin`."""

    __slots__ = ("_collector", "_decoder", "_heads", "_method", "_octets", "_reader", "state")

    def __init__(self, reader: ResponseReader, largest_head: int) -> None:
        self._reader = reader
        self._collector = HeadCollector(largest_head)
        self._decoder: Decoder = NO_BODY
        self._octets = b""
        "Fed, and not read yet."
        self._method = ""
        self._heads = 0
        self.state = COMPLETE

    def begin(self, method: str) -> None:
        """Begins the response to a request with this method."""
        self._method, self._heads, self.state = method, 0, AWAITING

    def feed(self, octets: bytes) -> None:
        """Adds bytes; consume all events before the next call."""
        self._octets = octets

    def next_event(self) -> ResponseEvent:
        """Returns the next event; NEED_DATA if that needs more bytes."""
        if self.state is not BODY:
            return NEED_DATA if self.state is COMPLETE else self._read_head()
        decoder = self._decoder
        if self._octets and not decoder.done:
            content, self._octets = decoder.feed(self._octets)
            if content:
                return content
        if not decoder.done:
            return NEED_DATA
        self.state = COMPLETE
        return END_OF_MESSAGE

    def feed_eof(self) -> bool:
        """Ends the input in order. Returns whether the response is complete (RFC 9112 §8)."""
        if self.state is BODY and self._decoder.end():
            self.state = COMPLETE
        return self.state is COMPLETE

    @property
    def length(self) -> int | None:
        """Of the body in octets, as the head says; None if only its end will tell."""
        return self._decoder.length

    @property
    def excess(self) -> bool:
        """Whether bytes follow the response, which belong to no response."""
        return bool(self._octets)

    def _read_head(self) -> ResponseEvent:
        while self._octets:
            self.state = HEAD
            octets, self._octets = self._collector.feed(self._octets)
            if not octets:
                break
            head = self._reader.read(octets)
            self._heads += 1
            if self._heads > MOST_HEADS:
                raise HeadMalformed("interim answers without end")
            if head.status == 101:
                raise HeadMalformed("101 Switching Protocols, which nobody asked for")
            if head.status >= 200:
                self._decoder, self.state = response_body(self._method, head), BODY
                return head
        return NEED_DATA


def idle_time(head: ResponseHead) -> float:
    """Returns the seconds for which the connection may be idle and be used again after this response.

    NEVER if the upstream gives no number; of several the smallest counts. Zero or less if the connection cannot be used
    again.
    """
    if not head.fields.has(b"keep-alive"):
        return NEVER
    values = head.fields.values(b"keep-alive")
    return min((int(each) - MARGIN for value in values for each in _TIMEOUT.findall(value)), default=NEVER)
