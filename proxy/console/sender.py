"""A sender within the process: a connection like any other's, from loopback, without a listener.

So what the console sends passes every check that a system on this machine would have to pass.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

from proxy.observe.exchange_record import ExchangeRecord
from proxy.server.listener_context import ListenerContext
from proxy.server.sender_connection import SenderConnection
from proxy.timeouts import timeout
from proxy.upstream.response_parser import END_OF_MESSAGE, NEED_DATA, ResponseParser
from proxy.wire.field_names import FieldNames
from proxy.wire.grammar import ResponseHead, ResponseReader
from proxy.wire.reading import PieceReader

NAME: Final = "console"
"The sender in log, metrics and Traffic."
LARGEST_HEAD: Final = 1 << 20
"Bytes."
ROOM: Final = 64 << 10
"Bytes of an answer that are read at a time."
PATIENCE: Final = 5.0
"Seconds to wait for the record of an exchange after its answer, or its connection, has ended."

_RESET: Final = struct.pack("ii", 1, 0)
"SO_LINGER that makes closing a reset: a sender that only ends its side may still wait for its answer."

Write = Callable[[bytes], Awaitable[None]]


class Outgoing(NamedTuple):
    """A message to send."""

    method: str
    target: str
    fields: Sequence[tuple[str, str]]
    length: int | None
    "Bytes of the body; None if only its end will tell."
    pieces: AsyncIterator[bytes]

    @property
    def head(self) -> bytes:
        """The head of the request."""
        lines = [f"{self.method} {self.target} HTTP/1.1", *(f"{name}: {value}" for name, value in self.fields)]
        if self.length is None:
            lines.append("Transfer-Encoding: chunked")
        elif self.length or self.method in ("POST", "PUT", "PATCH"):
            lines.append(f"Content-Length: {self.length}")
        return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1")


class Delivered(NamedTuple):
    """The outcome of a message."""

    record: ExchangeRecord
    head: ResponseHead | None
    "None if there is no answer."
    is_whole: bool
    "Whether the answer has all of its body."


class SenderLabel:
    """Observes the exchanges of one connection before all others do: sets their sender, and hands over the record."""

    def __init__(self) -> None:
        self.record: asyncio.Future[ExchangeRecord] = asyncio.get_running_loop().create_future()

    def finished(self, record: ExchangeRecord) -> None:
        """Notes the record."""
        record.sender = NAME
        if not self.record.done():
            self.record.set_result(record)


async def deliver(message: Outgoing, context: ListenerContext, label: SenderLabel, write: Write) -> Delivered:
    """Sends one message, and passes the body of its answer to `write`.

    Raises TimeoutError if the proxy lost the connection before there was an exchange. Being cancelled, it disconnects.
    """
    async with connected(context) as (reader, writer):
        upload = asyncio.ensure_future(_upload(message, writer))
        try:
            head, is_whole = await _answer(message.method, reader, write)
        finally:
            upload.cancel()
            await asyncio.wait([upload])
    if not upload.cancelled() and (error := upload.exception()):
        raise error
    async with timeout(PATIENCE):
        return Delivered(await label.record, head, is_whole)


@asynccontextmanager
async def connected(context: ListenerContext) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connects a sender to the proxy; leaving the block disconnects it."""
    theirs, ours = await loopback_pair()
    loop = asyncio.get_running_loop()
    try:
        await loop.connect_accepted_socket(lambda: PieceReader(SenderConnection(context)), ours)
        reader, writer = await asyncio.open_connection(sock=theirs, limit=ROOM)
    except BaseException:
        theirs.close()
        raise
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def loopback_pair() -> tuple[socket.socket, socket.socket]:
    """Returns two sockets that are connected over loopback; OSError if another process was faster."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0), backlog=1) as server:
        server.setblocking(False)
        first = socket.socket()
        first.setblocking(False)
        first.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        try:
            await loop.sock_connect(first, server.getsockname())
            second, peer = await loop.sock_accept(server)
        except BaseException:
            first.close()
            raise
    if peer != first.getsockname():
        first.close()
        second.close()
        raise ConnectionError("another process connected first")
    return first, second


async def _upload(message: Outgoing, writer: asyncio.StreamWriter) -> None:
    """Writes head and body as fast as they are read."""
    try:
        writer.write(message.head)
        async for piece in message.pieces:
            if piece:
                writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if message.length is None else piece)
                await writer.drain()
        if message.length is None:
            writer.write(b"0\r\n\r\n")
    except ConnectionError:
        return  # the proxy has answered early, and the answer tells why
    except BaseException:
        writer.transport.abort()  # the message is not whole
        raise


async def _answer(method: str, reader: asyncio.StreamReader, write: Write) -> tuple[ResponseHead | None, bool]:
    """Reads the answer. Returns its head, and whether its body came to its end."""
    parser, head = ResponseParser(ResponseReader(FieldNames()), LARGEST_HEAD), None
    parser.begin(method)
    while True:
        event = parser.next_event()
        if isinstance(event, ResponseHead):
            head = event
        elif isinstance(event, bytes):
            await write(event)
        elif event is END_OF_MESSAGE:
            return head, True
        elif event is NEED_DATA:
            try:
                octets = await reader.read(ROOM)
            except ConnectionError:  # a cut answer ends in a reset
                return head, False
            if not octets:
                return head, parser.feed_eof()
            parser.feed(octets)
