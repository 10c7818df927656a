"""The protocol above a TLS channel, and the peer below it."""

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from typing import Any, Self

from proxy.wire.reading import BUFFER
from tests.fakes.transport import MemoryTransport


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


class Peers:
    """A channel, and OpenSSL's end of it."""

    channel: Any

    def __init__(self, peer: ssl.SSLContext, **options: Any) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.peer = peer.wrap_bio(self._incoming, self._outgoing, **options)
        self.alert = ""
        "What the peer was told when it was not accepted."
        self.upper, self.below = Upper(), MemoryTransport(peername=("192.0.2.1", 443))

    def shake(self) -> Self:
        """The handshake, as far as it goes."""
        for _ in range(3):
            self._incoming.write(self.below.taken())
            try:
                self.peer.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:
                self.alert = self.alert or str(error.reason)
            self.deliver(self._outgoing.read())
        return self

    def deliver(self, cipher: bytes) -> None:
        """Let octets come over the wire, as many at a time as fit."""
        deliver(self.channel, cipher)

    def say(self, clear: bytes) -> bytes:
        """What the peer sends for this."""
        self.peer.write(clear)
        return self._outgoing.read()

    def hear(self) -> tuple[bytes, bool]:
        """What the peer reads, and whether it is all."""
        self._incoming.write(self.below.taken())
        heard = b""
        try:
            while piece := self.peer.read(1 << 16):
                heard += piece
        except ssl.SSLWantReadError:
            return heard, False
        return heard, True

    def end(self) -> bytes:
        """The peer's close_notify."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self.peer.unwrap()
        return self._outgoing.read()
