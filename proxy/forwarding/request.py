"""A request and its sender, as an exchange sees them."""

from abc import abstractmethod

from proxy.forwarding.target import Target
from proxy.wire.body import IncomingBody
from proxy.wire.coroutine_runner import Wakeable
from proxy.wire.grammar import RequestHead


class Recipient(Wakeable):
    """Waits for the answer to a request: a sender, or a CSRF fetch."""

    left: bool
    "Whether it has disconnected."
    half_closed: bool
    "Whether a sender has ended its side of the connection; most that do so are gone."


class Sender(Recipient):
    """The connection of a sender."""

    address: str
    "The sender's IP address; empty for a Unix socket."
    local: str
    "Our own IP address on this connection; empty for a Unix socket."
    secure: bool
    "Whether it uses TLS."
    subject: str
    "The subject of its verified certificate (RFC 4514); empty without one."
    congested: bool
    "Whether it reads the answer more slowly than we write it."

    @abstractmethod
    def persistent(self) -> bool:
        """Whether the connection stays open after this exchange, as far as is known now."""
        ...

    @abstractmethod
    def send(self, octets: bytes) -> None:
        """Sends a part of the answer."""
        ...

    @abstractmethod
    def close_after(self) -> None:
        """Closes the connection after this answer."""
        ...

    @abstractmethod
    def abort(self) -> None:
        """Resets the connection, so that the answer does not look complete."""
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
