"""A request and its sender, as an exchange sees them."""

from dataclasses import dataclass
from typing import Protocol

from proxy.forwarding.target import Target
from proxy.wire.body import IncomingBody
from proxy.wire.grammar import RequestHead


class Recipient(Protocol):
    """Waits for the answer to a request: a sender, or a CSRF fetch."""

    left: bool
    "Whether it has disconnected."
    half_closed: bool
    "Whether a sender has ended its side of the connection; most that do so are gone."

    def wake(self) -> None:
        """Continues the exchange, which checks its state again."""
        ...


class Sender(Recipient, Protocol):
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

    def persistent(self) -> bool:
        """Whether the connection stays open after this exchange, as far as is known now."""
        ...

    def send(self, octets: bytes) -> None:
        """Sends a part of the answer."""
        ...

    def close_after(self) -> None:
        """Closes the connection after this answer."""
        ...

    def abort(self) -> None:
        """Resets the connection, so that the answer does not look complete."""
        ...


@dataclass(slots=True, eq=False)
class Request:
    """One request of a sender."""

    head: RequestHead
    target: Target
    body: IncomingBody
    sender: Sender
    id: str
