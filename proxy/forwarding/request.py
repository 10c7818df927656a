"""A request as it came, and its sender as an exchange sees it; knows of nothing but the wire."""

from dataclasses import dataclass
from typing import Protocol

from proxy.forwarding.target import Target
from proxy.wire.body import IncomingBody
from proxy.wire.grammar import RequestHead


class Recipient(Protocol):
    """Whoever waits for an answer to be settled; a sender, or what delivers on its behalf."""

    left: bool
    "Whether nobody wants the answer any more."
    half_closed: bool
    "Whether a sender has ended its side; most that do so are gone."

    def wake(self) -> None:
        """Let it look again."""
        ...


class Sender(Recipient, Protocol):
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

    def persistent(self) -> bool:
        """Whether the connection goes on after this exchange, as it stands now."""
        ...

    def send(self, octets: bytes) -> None:
        """Part of an answer."""
        ...

    def close_after(self) -> None:
        """End the connection after this answer."""
        ...

    def abort(self) -> None:
        """End the connection with a reset, so that what was sent does not look whole."""
        ...


@dataclass(slots=True, eq=False)
class Request:
    """One request of a sender."""

    head: RequestHead
    target: Target
    body: IncomingBody
    sender: Sender
    id: str
