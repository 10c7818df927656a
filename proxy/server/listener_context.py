"""What a listener and its connections share."""

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from proxy.config.model import Limits
from proxy.errors import ProxyError, SenderNotAllowed
from proxy.forwarding.request import Request, Sender
from proxy.hosts import Networks, in_networks
from proxy.observe.logger import Logger
from proxy.server.sender_connections import CountedConnection, SenderConnections
from proxy.wire.deadlines import Deadlines
from proxy.wire.grammar import RequestReader


class HandshakeFailed(Protocol):
    """Is called after a TLS handshake with a sender failed."""

    def __call__(self, error: Exception, address: str, *, wants_certificate: bool) -> None:
        """`address` is the sender's; `wants_certificate` is whether the listener demands a client certificate."""
        ...


@dataclass(slots=True, kw_only=True)
class ListenerContext:
    """One for each configuration; each listener has a copy with the last three fields set."""

    limits: Limits
    deadlines: Deadlines
    ids: Iterator[str]
    connections: SenderConnections[Any]
    "Of all listeners."
    serve: Callable[[Request], Coroutine[Any, Any, None]]
    "Runs the exchange."
    refuse: Callable[[Sender, ProxyError, str], None]
    "Answers what never became a request."
    crashed: Callable[[BaseException, str], None]
    "Is called with an exception that no exchange may raise, and the sender's address."
    handshake_failed: HandshakeFailed
    reader: RequestReader
    "Of heads; one for all connections."
    log: Logger
    secure: bool = False
    "Whether senders connect over TLS."
    allow: Networks | None = None
    "Networks whose senders are admitted; None admits all."
    drain_time: float | None = None
    """Seconds for the last request of a connection; None while connections stay open.

    The event loop reports a connection one turn after it was accepted, when its listener may have stopped already.
    """

    def admit(self, connection: CountedConnection) -> ProxyError | None:
        """Counts a new connection. Returns why it is refused, if it is."""
        refusal = self.connections.add(connection)
        if refusal is None and self.allow is not None and not in_networks(connection.address, self.allow):
            return SenderNotAllowed("The sender's address is not in the listener's `allow`.")
        return refusal

    def apply(self, renewed: "ListenerContext") -> None:
        """Applies another configuration to existing connections. They keep the limits of heads that they began with."""
        self.limits, self.serve = renewed.limits, renewed.serve
