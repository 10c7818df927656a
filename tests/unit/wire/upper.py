"""The protocol above a TLS channel."""

import asyncio
from collections.abc import Callable

from proxy.wire.reading import BUFFER


class Upper(asyncio.Protocol):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.content = b""
        self.pieces = 0
        "That it came in."
        self.transport: asyncio.BaseTransport | None = None
        self.on_data: Callable[[], None] = lambda: None
        self.keeps: bool | None = None
        "Whether it goes on after the peer's end."

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember."""
        self.transport = transport
        self.told.append("made")

    def data_received(self, data: bytes) -> None:
        """Remember."""
        self.content += data
        self.pieces += 1
        self.on_data()

    def eof_received(self) -> bool | None:
        """Remember."""
        self.told.append("eof")
        return self.keeps

    def connection_lost(self, exc: Exception | None) -> None:
        """Remember."""
        self.told.append(f"lost {type(exc).__name__}")

    def pause_writing(self) -> None:
        """Remember."""
        self.told.append("pause")

    def resume_writing(self) -> None:
        """Remember."""
        self.told.append("resume")


def deliver(channel: asyncio.BufferedProtocol, octets: bytes) -> None:
    """Let octets come over the wire, as many at a time as fit."""
    for at in range(0, len(octets), len(BUFFER)):
        piece = octets[at : at + len(BUFFER)]
        channel.get_buffer(-1)[: len(piece)] = piece  # type: ignore[index]
        channel.buffer_updated(len(piece))
