"""The environment of an exchange in memory: a sender, a pool of connections, a token source."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from proxy.config.model import RouteSettings as Settings
from proxy.errors import AuthorizationServerError, UpstreamError
from proxy.forwarding.context import ExchangeContext
from proxy.forwarding.exchange import exchange
from proxy.forwarding.limits.route_limits import limits_of
from proxy.forwarding.request import Request, Sender
from proxy.forwarding.routes import Route, Routes, make_route
from proxy.forwarding.target import parse_target
from proxy.oauth.source import TokenSource
from proxy.oauth.token import Moment, Token
from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.process_log import ProcessLog
from proxy.upstream.connection import UpstreamConnection
from proxy.upstream.origin import UpstreamOrigin
from proxy.upstream.pool import Pool
from proxy.wire.body import IncomingBody
from proxy.wire.coroutine_runner import CoroutineRunner
from tests.fakes.heads import RESPONSES, request_head
from tests.fakes.log import LogLines
from tests.fakes.loop import HandLoop
from tests.fakes.transport import MemoryTransport

Pair = tuple[bytes, bytes]
VIA = "cpi-test"
_EVER = Moment(monotonic=1e12, wall=1e12)


class MemorySender(Sender):
    """A sender that keeps what it receives."""

    def __init__(self, *, address: str = "192.0.2.7", local: str = "192.0.2.1", secure: bool = False) -> None:
        self.address, self.secure, self.local = address, secure, local
        self.subject = ""
        self.left = self.half_closed = self.congested = False
        self.received = b""
        self.closing = self.aborted = False
        self.woken = 0
        self.run: CoroutineRunner | None = None

    def wake(self) -> None:
        """Continues the exchange."""
        self.woken += 1
        if self.run is not None:
            self.run.wake()

    def persistent(self) -> bool:
        """Whether the connection stays open."""
        return not self.closing

    def send(self, octets: bytes) -> None:
        """Keeps a part of the answer."""
        self.received += octets

    def close_after(self) -> None:
        """Notes that the connection is closed."""
        self.closing = True

    def abort(self) -> None:
        """Notes that the connection was reset."""
        self.aborted = True


class MemoryPool:
    """A pool of connections to the test."""

    def __init__(self) -> None:
        self.loop = HandLoop(monotonic=0.0)
        self.origin = UpstreamOrigin(host="u.example", port=1, tls=None)
        self.idle: list[UpstreamConnection] = []
        self.made: list[UpstreamConnection] = []
        self.refusals: list[UpstreamError] = []
        "What the next attempts to connect fail with."
        self.timeouts: list[float] = []

    def connection(self) -> UpstreamConnection:
        """Makes a connection."""
        made = UpstreamConnection("u:1", self.loop.deadlines(), lambda _: None, RESPONSES)
        made.connection_made(MemoryTransport())
        self.made.append(made)
        return made

    def acquire(self) -> UpstreamConnection | None:
        """Returns an idle connection, if any."""
        return self.idle.pop() if self.idle else None

    def connect(self, timeout: float) -> "asyncio.Future[UpstreamConnection]":
        """Returns a new connection, or the next refusal."""
        self.timeouts.append(timeout)
        future: asyncio.Future[UpstreamConnection] = asyncio.get_running_loop().create_future()
        if self.refusals:
            future.set_exception(self.refusals.pop(0))
        else:
            future.set_result(self.connection())
        return future

    def give_back(self, connection: UpstreamConnection) -> None:
        """Takes a connection back."""
        connection.release()
        if connection.open:
            self.idle.append(connection)


class MemorySource:
    """A token source with a list of tokens."""

    def __init__(self, *names: str) -> None:
        self.tokens = [token(name) for name in names or ("t1", "t2", "t3")]
        self.kept: Token | None = self.tokens.pop(0)
        self.error: AuthorizationServerError | None = None
        self.young = False
        "Whether tokens are too young to be forgotten."
        self.refused: list[Token] = []

    def ready(self, refused: Token | None = None) -> Token | None:
        """Returns the current token, unless it was refused."""
        return None if refused is not None and refused is self.kept else self.kept

    async def token(self, refused: Token | None = None) -> Token:
        """Returns a new token, a turn later."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        loop.call_soon(turn.set_result, None)
        await turn
        if self.error is not None:
            raise self.error
        if refused is self.kept:  # which is None at first
            self.kept = self.tokens.pop(0)
        assert self.kept is not None
        return self.kept

    def invalidate(self, refused: Token) -> bool:
        """Notes the refusal."""
        self.refused.append(refused)
        return not (refused is self.kept and self.young)


def token(name: str) -> Token:
    """Makes a token that never expires."""
    start = Moment(monotonic=0, wall=0)
    return Token(authorization=b"Bearer " + name.encode(), obtained=start, fresh_until=_EVER, expires=_EVER)


def settings(**options: Any) -> Settings:
    """Makes the settings of a route."""
    fixed = {"name": "orders", "path": "/orders", "upstream": "http://u:1/http/in", "oauth_client": "neo"}
    given = fixed | options
    return Settings(**(given | {"path": given["path"].rstrip("/")}))


def route(pool: MemoryPool | None = None, source: MemorySource | None = None, **options: Any) -> Route:
    """Makes a route with parts in memory."""
    given = settings(**options)
    return make_route(
        given,
        via=VIA,
        pool=cast("Pool", pool or MemoryPool()),
        source=cast("TokenSource", source or MemorySource()),
        limits=limits_of(given, HandLoop().deadlines()),
    )


def request(
    start: str = "POST /orders",
    *fields: Pair,
    body: bytes | None = b"",
    length: int | None = None,
    minor: int = 1,
    sender: MemorySender | None = None,
    host: bytes = b"proxy.example",
) -> Request:
    """Makes a request, whose body has not arrived if it is None."""
    method, target = start.split(" ")
    head = request_head(f"{method} {target} HTTP/1.{minor}".encode(), (b"Host", host), *fields)
    incoming = IncomingBody(MemoryTransport(), len(body) if body is not None else length)
    if body is not None:
        if body:
            incoming.push(body)
        incoming.end()
    return Request(head, parse_target(head.target), incoming, sender or MemorySender(), "id-1")


def connected(connection: UpstreamConnection) -> MemoryTransport:
    """Returns the transport of a connection."""
    return cast("MemoryTransport", connection._transport)


class World:
    """A route, a sender, and their exchanges."""

    def __init__(self, *, names: tuple[str, ...] = (), level: str = "info", **options: Any) -> None:
        self.lines = LogLines()
        self.pool, self.source = MemoryPool(), MemorySource(*names)
        self.route = route(self.pool, self.source, **options)
        self.sender = MemorySender()
        self.accounts: list[ExchangeRecord] = []
        self.crashes: list[BaseException | None] = []
        self.context = ExchangeContext(
            routes=Routes([self.route]),
            name=b"test-proxy",
            own_names=frozenset(),
            trusted_proxies=(),
            spool=None,
            wall=lambda: 1_800_000_000.0,
            beginning=(),
            log=ProcessLog(self.lines, level=level, human=False),
            finishing=(self,),
            in_use=None,
        )
        self.request: Request | None = None
        self._asked, self._octets = cast("UpstreamConnection", None), b""

    def finished(self, record: ExchangeRecord) -> None:
        """Keep the record of a finished exchange."""
        self.accounts.append(record)

    async def send(self, start: str = "POST /orders", *fields: Pair, **options: Any) -> None:
        """Begins an exchange."""
        self.request = request(start, *fields, sender=self.sender, **options)
        self.sender.run = CoroutineRunner(exchange(self.request, self.context), self.crashes.append)
        self.sender.run.start()
        await turns()

    async def change(self, change: Callable[[IncomingBody], None]) -> None:
        """Changes the body of the request."""
        assert self.request is not None
        change(self.request.body)
        self.sender.wake()
        await turns()

    async def leave(self) -> None:
        """Disconnects the sender."""
        self.sender.left = True
        self.sender.wake()
        await turns()

    async def answer(self, octets: bytes) -> None:
        """Sends bytes from the upstream."""
        self.asked()
        self._asked.data_received(octets)
        await turns()

    def asked(self) -> bytes:
        """Returns the last request that the upstream received."""
        for each in self.pool.made:
            if octets := connected(each).taken():
                self._asked, self._octets = each, octets
        return self._octets

    async def lose(self, error: Exception | None = None) -> None:
        """Ends the last connection with a request."""
        self.asked()
        self._asked.connection_lost(error)
        await turns()

    @property
    def connection(self) -> UpstreamConnection:
        """The last connection with a request."""
        self.asked()
        return self._asked

    @property
    def record(self) -> ExchangeRecord:
        """The record of the last finished exchange."""
        return self.accounts[-1]

    def check(self, **expected: object) -> None:
        """Asserts that the exchange is over, with this record."""
        assert self.over
        assert {name: getattr(self.record, name) for name in expected} == expected

    @property
    def over(self) -> bool:
        """Whether all have ended without a crash."""
        assert not any(self.crashes)
        return len(self.crashes) == len(self.accounts) > 0


async def turns() -> None:
    """Runs the event loop until nothing is ready."""
    for _ in range(8):
        await asyncio.sleep(0)


def lines(octets: bytes) -> list[bytes]:
    """Returns the lines of a head."""
    return octets.split(b"\r\n\r\n", 1)[0].split(b"\r\n")


def ok(body: bytes = b"ok", *fields: bytes, status: int = 200) -> bytes:
    """Makes an answer of the upstream."""
    return b"\r\n".join([b"HTTP/1.1 %d OK" % status, *fields, b"Content-Length: %d" % len(body), b"", body])
