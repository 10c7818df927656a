"""A request as it came, and its sender as an exchange sees it; knows of nothing but the wire."""

from abc import abstractmethod

from proxy.forwarding.target import Target
from proxy.wire.body import IncomingBody
from proxy.wire.coroutine_runner import Bell
from proxy.wire.grammar import RequestHead


class Waiting(Bell):
    """Whoever waits for an answer to be settled; a sender, or what delivers on its behalf."""

    left: bool
    "Whether nobody wants the answer any more."
    half_closed: bool
    "Whether a sender has ended its side; most that do so are gone."


class Sender(Waiting):
    """The connection of a sender, as an exchange sees it."""

    address: str
    "Of the other end; empty for a Unix socket."
    local: str
    "Our own address on this connection; empty for a Unix socket."
    secure: bool
    "Whether it came over TLS."
    subject: str
    "Of its verified certificate (RFC 4514); empty if it has shown none."
    congested: bool
    "Whether it takes answers more slowly than we write them."

    @abstractmethod
    def persistent(self) -> bool:
        """Whether the connection goes on after this exchange, as it stands now."""
        ...

    @abstractmethod
    def send(self, octets: bytes) -> None:
        """Part of an answer."""
        ...

    @abstractmethod
    def close_after(self) -> None:
        """End the connection after this answer."""
        ...

    @abstractmethod
    def abort(self) -> None:
        """End the connection with a reset, so that what was sent does not look whole."""
        ...


class Request:
    """One request of a sender."""

    __slots__ = ("body", "head", "id", "sender", "target")

    def __init__(self, head: RequestHead, target: Target, body: IncomingBody, sender: Sender, id: str) -> None:  # noqa: A002
        self.head = head
        self.target = target
        self.body = body
        self.sender = sender
        self.id = id

    def __repr__(self) -> str:
        return f"<Request {self.id} {self.head.method} {self.target!r}>"
