"""What the connections of one listener share: its terms, and whom they turn to."""

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from proxy.errors import ProxyError
from proxy.forwarding.request import Request
from proxy.wire.deadlines import Deadlines
from proxy.wire.grammar import RequestReader

if TYPE_CHECKING:
    from proxy.server.sender_connection import SenderConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerLimits:
    """What a listener grants its senders: sizes in octets, times in seconds."""

    max_head: int
    max_fields: int
    head_timeout: float
    body_timeout: float
    idle_timeout: float


@dataclass(slots=True, kw_only=True)
class ListenerContext:
    """Shared by all connections of a listener, which turn to it for each request."""

    terms: ListenerLimits
    deadlines: Deadlines
    ids: Iterator[str]
    serve: Callable[[Request], Coroutine[Any, Any, None]]
    "Runs the exchange."
    refuse: Callable[["SenderConnection", ProxyError, str], None]
    "Answers what never became a request."
    crashed: Callable[[BaseException, str], None]
    "Takes what no exchange may raise."
    arrived: Callable[["SenderConnection"], ProxyError | None]
    "Asked about each new connection."
    departed: Callable[["SenderConnection"], None]
    secure: bool
    reader: RequestReader

    def take(self, terms: ListenerLimits, serve: Callable[[Request], Coroutine[Any, Any, None]]) -> None:
        """Go on like this. The limits of heads are those that a connection began with."""
        self.terms, self.serve = terms, serve
