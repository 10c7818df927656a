"""Octets behind an answer, wherever they wait: none of them ever reaches the next exchange."""

import asyncio
import contextlib
import socket
import ssl
from functools import cache

import trustme
from hypothesis import given
from hypothesis import strategies as st

from proxy.upstream.connection import UpstreamConnection
from proxy.wire.body import HIGH_WATER
from proxy.wire.client_tls import ClientTlsTransport
from proxy.wire.coroutine_runner import NO_WAITER
from proxy.wire.reading import PieceReader
from proxy.wire.tls_context import verifying_context
from tests.cases import cases
from tests.fakes.heads import RESPONSES
from tests.fakes.loop import HandLoop
from tests.fakes.transport import MemoryTransport
from tests.unit.wire.upper import deliver

RECORD = 16 << 10
"Octets of content that a record may have."
EVIL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood"


@cache
def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Of the upstream and of ours."""
    issuer = trustme.CA()
    server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), verifying_context()
    issuer.issue_cert("u.example").configure_cert(server)
    issuer.configure_trust(client)
    return server, client


class Line:
    """A real socket, whose traffic the test directs."""

    def __init__(self, *, tls: bool) -> None:
        self._ours, self._theirs = socket.socketpair()
        self._ours.setblocking(False)
        self._theirs.setblocking(False)
        self._below = MemoryTransport()
        self.connection = UpstreamConnection("u:1", HandLoop().deadlines(), lambda _: None, RESPONSES)
        self.connection.watch_socket(self._ours.fileno(), in_clear=not tls)
        self.sent = b""
        "By the upstream, on the wire."
        self.arrived = 0
        "Octets of it that the socket has had."
        self._server: ssl.SSLObject | None = None
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.protocol: asyncio.BufferedProtocol = PieceReader(self.connection)
        if tls:
            self._begin_tls()
        else:
            self.connection.connection_made(self._below)

    def _begin_tls(self) -> None:
        server, client = contexts()
        self._server = server.wrap_bio(self._in, self._out, server_side=True)
        self.protocol = ClientTlsTransport(client, "u.example", self.connection)
        self.protocol.connection_made(self._below)
        for _ in range(2):
            self._in.write(self._below.taken())
            with contextlib.suppress(ssl.SSLWantReadError):
                self._server.do_handshake()
            if not self.connection.open:
                deliver(self.protocol, self._out.read())
        self.sent = self._out.read()  # the session tickets: they come before the answer, as they do in life

    def say(self, clear: bytes) -> int:
        """How much is on the wire by then."""
        if self._server is None:
            self.sent += clear
        elif clear:
            self._server.write(clear)
            self.sent += self._out.read()
        return len(self.sent)

    def arrive(self, count: int) -> None:
        """The network brings so many octets more, at most."""
        with contextlib.suppress(BlockingIOError):
            self.arrived += self._theirs.send(self.sent[self.arrived : self.arrived + count])

    def read(self, count: int) -> None:
        """The event loop reads from the socket, if it may."""
        if self._below.reading and not self._below.is_closing():
            with contextlib.suppress(BlockingIOError):
                deliver(self.protocol, self._ours.recv(count))

    def read_all(self) -> None:
        """All arrives, and is read unless reading is paused."""
        self.arrive(len(self.sent))
        for _ in range(len(self.sent) // RECORD + 2):
            self.read(3 * RECORD)

    def ask(self, method: str = "GET") -> None:
        """An exchange sends its request."""
        self.connection.lease(NO_WAITER, method, 60)
        self.connection.send(b"<request>")
        self.connection.end_request()

    def consume(self) -> bytes:
        """The exchange reads, and ends with its answer."""
        body = self.connection.body
        if body is None:
            return b""
        taken = body.consume()
        if body.ended:
            self.connection.release()
        return taken

    @property
    def fit(self) -> bool:
        """Whether the pool hands it out."""
        return self.connection.open and not self.connection.stale()

    def close(self) -> None:
        """Leave no socket behind."""
        self._ours.close()
        self._theirs.close()


@cases("tls", True, False)
async def test_nothing_is_heard_of_a_connection_that_was_cut(*, tls: bool) -> None:
    """The first unasked record is the last one read."""
    line = Line(tls=tls)
    line.ask()
    line.say(GOOD)
    for _ in range(3):
        line.say(EVIL)
    line.read_all()

    body = line.connection.body
    assert body is not None
    assert (body.consume(), body.received, line.connection.open) == (b"good", 4, False)
    line.close()


def length(size: int) -> tuple[str, bytes]:
    """An answer with Content-Length."""
    return "GET", b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (size, bytes(size))


def chunked(size: int) -> tuple[str, bytes]:
    """An answer in one chunk, after an interim one."""
    head = b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return "GET", b"%b%x\r\n%b\r\n0\r\n\r\n" % (head, size, bytes(size))


SIZES = st.one_of(st.integers(1, 40), st.integers(HIGH_WATER - 2, HIGH_WATER + 2), st.integers(1, 5 * RECORD))
ANSWERS = st.one_of(
    SIZES.map(length),
    SIZES.map(chunked),
    st.sampled_from(
        [
            ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"),
            ("HEAD", b"HTTP/1.1 200 OK\r\n\r\n"),
            ("POST", b"HTTP/1.1 204 .\r\n\r\n"),
        ]
    ),
)
UNASKED = st.sampled_from([b"", EVIL, b"H", b"\r\n", EVIL * 3, b"HTTP/1.1 100 Continue\r\n\r\n", bytes(2 * RECORD)])
COUNTS = st.one_of(st.integers(1, 30), st.integers(1, 3 * RECORD))
STEPS = st.lists(st.tuples(st.sampled_from(["arrive", "read", "take", "turn"]), COUNTS), max_size=40)
Steps = list[tuple[str, int]]


def speak(line: Line, octets: bytes, sizes: list[int]) -> int:
    """Write records; how much is on the wire."""
    for size in [*sizes, *[RECORD] * (len(octets) // RECORD + 1)]:
        line.say(octets[:size])
        octets = octets[size:]
    return len(line.sent)


async def go(line: Line, steps: Steps) -> None:
    """Let things happen in this order."""
    for step, count in steps:
        match step:
            case "arrive":
                line.arrive(count)
            case "read":
                line.read(count)
            case "take":
                line.consume()
            case _:
                await asyncio.sleep(0)


async def converse(line: Line, answer: bytes, unasked: bytes, sizes: list[int], before: Steps, after: Steps) -> None:
    """One exchange, and whether another may follow."""
    border = speak(line, answer, sizes)
    speak(line, unasked, sizes)
    await go(line, before)
    while line.connection.leased:
        await go(line, [("arrive", max(0, border - line.arrived)), ("read", 3 * RECORD), ("take", 0), ("turn", 0)])
    await go(line, after)

    assert line.fit == (line.arrived == border)
    if line.fit:
        line.ask()
        await go(line, [("turn", 0), ("read", 3 * RECORD), ("turn", 0)])
        assert (line.connection.head, line.connection.open) == (None, True)


@given(
    tls=st.booleans(), answer=ANSWERS, unasked=UNASKED, sizes=st.lists(COUNTS, max_size=8), before=STEPS, after=STEPS
)
def test_a_connection_is_handed_out_only_when_nothing_is_reached_behind_the_answer(
    *, tls: bool, answer: tuple[str, bytes], unasked: bytes, sizes: list[int], before: Steps, after: Steps
) -> None:
    """In any records, reads, pauses and order."""

    async def run() -> None:
        line = Line(tls=tls)
        try:
            line.ask(answer[0])
            await converse(line, answer[1], unasked, [min(size, RECORD) for size in sizes], before, after)
        finally:
            line.close()

    asyncio.run(run())


@given(unasked=st.sampled_from([EVIL, b"H", b"\r\n"]), size=SIZES)
def test_what_shares_the_last_record_with_an_answer_ends_the_connection(unasked: bytes, size: int) -> None:
    """It is deciphered together with it."""

    async def run() -> None:
        line = Line(tls=True)
        line.ask()
        answer = length(size)[1]
        speak(line, answer + unasked, [len(answer) % RECORD] if len(answer) > RECORD else [])
        line.read_all()
        while line.connection.leased:
            line.consume()
            await asyncio.sleep(0)
            line.read_all()
        assert not line.fit
        line.close()

    asyncio.run(run())
