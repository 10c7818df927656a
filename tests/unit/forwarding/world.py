"""What an exchange has around it, in memory: a sender, a pool of connections to nowhere, a token source."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from proxy.config.model import RouteSettings as Settings
from proxy.errors import AuthorizationServerError, UpstreamError
from proxy.forwarding.context import ExchangeContext
from proxy.forwarding.cookies import CookieRules
from proxy.forwarding.exchange import exchange
from proxy.forwarding.fields import FieldRules
from proxy.forwarding.limits.route_limits import bounds_of
from proxy.forwarding.request import Request, Sender
from proxy.forwarding.routes import Route, Routes
from proxy.forwarding.target import take_apart
from proxy.oauth.source import TokenSource
from proxy.oauth.token import Moment, Token
from proxy.observe.exchange_record import ExchangeRecord
from proxy.upstream.connection import UpstreamConnection
from proxy.upstream.pool import Pool, UpstreamOrigin
from proxy.wire.body import IncomingBody
from proxy.wire.coroutine_runner import CoroutineRunner
from tests.fakes.heads import RESPONSES, request_head
from tests.fakes.loop import HandLoop
from tests.fakes.transport import MemoryTransport

Pair = tuple[bytes, bytes]
VIA = b"cpi-test"
_EVER = Moment(monotonic=1e12, wall=1e12)


class MemorySender(Sender):
    """Keeps what it is sent."""

    def __init__(self, *, address: str = "192.0.2.7", local: str = "192.0.2.1", secure: bool = False) -> None:
        self.address, self.secure, self.local = address, secure, local
        self.subject = ""
        self.left = self.half_closed = self.congested = False
        self.received = b""
        self.closing = self.aborted = False
        self.woken = 0
        self.run: CoroutineRunner | None = None

    def wake(self) -> None:
        """Let the exchange look again."""
        self.woken += 1
        if self.run is not None:
            self.run.wake()

    def persistent(self) -> bool:
        """Whether nobody has said close."""
        return not self.closing

    def send(self, octets: bytes) -> None:
        """Take part of an answer."""
        self.received += octets

    def close_after(self) -> None:
        """Note that the connection ends."""
        self.closing = True

    def abort(self) -> None:
        """Note that it was reset."""
        self.aborted = True


class MemoryPool:
    """Hands out connections whose other end is the test."""

    def __init__(self) -> None:
        self.loop = HandLoop(monotonic=0.0)
        self.origin = UpstreamOrigin(host="u.example", port=1, tls=None)
        self.idle: list[UpstreamConnection] = []
        self.made: list[UpstreamConnection] = []
        self.refusals: list[UpstreamError] = []
        "What the next attempts to connect fail with."
        self.timeouts: list[float] = []

    def connection(self) -> UpstreamConnection:
        """Make a connection."""
        made = UpstreamConnection("u:1", self.loop.deadlines(), lambda _: None, RESPONSES)
        made.connection_made(MemoryTransport())
        self.made.append(made)
        return made

    def take(self) -> UpstreamConnection | None:
        """An idle one."""
        return self.idle.pop() if self.idle else None

    def connect(self, timeout: float) -> "asyncio.Future[UpstreamConnection]":
        """A new one, or the next refusal."""
        self.timeouts.append(timeout)
        future: asyncio.Future[UpstreamConnection] = asyncio.get_running_loop().create_future()
        if self.refusals:
            future.set_exception(self.refusals.pop(0))
        else:
            future.set_result(self.connection())
        return future

    def give_back(self, connection: UpstreamConnection) -> None:
        """Take it back as the real pool does."""
        connection.release()
        if connection.open:
            self.idle.append(connection)


class MemorySource:
    """Tokens one by one."""

    def __init__(self, *names: str) -> None:
        self.tokens = [token(name) for name in names or ("t1", "t2", "t3")]
        self.kept: Token | None = self.tokens.pop(0)
        self.error: AuthorizationServerError | None = None
        self.young = False
        "Whether tokens are too young to be forgotten."
        self.refused: list[Token] = []

    def ready(self, refused: Token | None = None) -> Token | None:
        """The one that is kept, unless it is that one."""
        return None if refused is not None and refused is self.kept else self.kept

    async def token(self, refused: Token | None = None) -> Token:
        """A new one, in the next turn of the event loop."""
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
        """Take note; it stays until another one is there."""
        self.refused.append(refused)
        return not (refused is self.kept and self.young)


def token(name: str) -> Token:
    """A token that is good for ever."""
    start = Moment(monotonic=0, wall=0)
    return Token(authorization=b"Bearer " + name.encode(), obtained=start, fresh_until=_EVER, expires=_EVER)


def settings(**options: Any) -> Settings:
    """A route's settings."""
    fixed = {"name": "orders", "path": "/orders", "upstream": "http://u:1/http/in", "oauth_client": "neo"}
    return Settings(**(fixed | options))


def route(pool: MemoryPool | None = None, source: MemorySource | None = None, **options: Any) -> Route:
    """A route with parts of memory."""
    given = settings(**options)
    prefix = given.path.rstrip("/").encode()
    return Route(
        settings=given,
        prefix=prefix,
        upstream_path=b"/" + given.upstream.split("/", 3)[3].encode() if given.upstream.count("/") > 2 else b"",
        upstream_host=b"u:1",
        via=VIA,
        set_lines=tuple(f"{name}: {value}".encode() for name, value in given.set_fields.items()),
        forwarded=given.forwarded,
        rules=FieldRules(drop=frozenset(name.lower().encode() for name in given.set_fields)),
        cookie_rules=CookieRules(prefix=b"cpi.orders~", route_path=prefix or b"/", upstream_path=b"/http/in"),
        pool=cast("Pool", pool or MemoryPool()),
        source=cast("TokenSource", source or MemorySource()),
        bounds=bounds_of(given, HandLoop().deadlines()),
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
    """A request; with `body` None its body is still to come, of `length` octets if that is given."""
    method, target = start.split(" ")
    head = request_head(f"{method} {target} HTTP/1.{minor}".encode(), (b"Host", host), *fields)
    incoming = IncomingBody(MemoryTransport(), len(body) if body is not None else length)
    if body is not None:
        if body:
            incoming.push(body)
        incoming.end()
    return Request(head, take_apart(head.target), incoming, sender or MemorySender(), "id-1")


def connected(connection: UpstreamConnection) -> MemoryTransport:
    """The transport of a connection."""
    return cast("MemoryTransport", connection._transport)


class World:
    """One route, one sender, and exchanges between them."""

    def __init__(self, *, names: tuple[str, ...] = (), **options: Any) -> None:
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
            finishing=(self,),
            in_use=None,
        )
        self.request: Request | None = None
        self._asked, self._octets = cast("UpstreamConnection", None), b""

    def finished(self, record: ExchangeRecord) -> None:
        """Keep the record of a finished exchange."""
        self.accounts.append(record)

    async def send(self, start: str = "POST /orders", *fields: Pair, **options: Any) -> None:
        """Begin an exchange."""
        self.request = request(start, *fields, sender=self.sender, **options)
        self.sender.run = CoroutineRunner(exchange(self.request, self.context), self.crashes.append)
        self.sender.run.start()
        await turns()

    async def change(self, change: Callable[[IncomingBody], None]) -> None:
        """Let something happen to the request's body."""
        assert self.request is not None
        change(self.request.body)
        self.sender.wake()
        await turns()

    async def leave(self) -> None:
        """Let the sender go."""
        self.sender.left = True
        self.sender.wake()
        await turns()

    async def answer(self, octets: bytes) -> None:
        """Let the upstream send, over the connection that was asked last."""
        self.asked()
        self._asked.data_received(octets)
        await turns()

    def asked(self) -> bytes:
        """The last request that was sent, over whatever connection."""
        for each in self.pool.made:
            if octets := connected(each).taken():
                self._asked, self._octets = each, octets
        return self._octets

    async def lose(self, error: Exception | None = None) -> None:
        """Let the connection that was asked last end."""
        self.asked()
        self._asked.connection_lost(error)
        await turns()

    @property
    def connection(self) -> UpstreamConnection:
        """The one that was asked last."""
        self.asked()
        return self._asked

    @property
    def record(self) -> ExchangeRecord:
        """Of the last finished exchange."""
        return self.accounts[-1]

    @property
    def over(self) -> bool:
        """Whether all exchanges have ended, each without a crash."""
        assert not any(self.crashes)
        return len(self.crashes) == len(self.accounts) > 0


async def turns() -> None:
    """Let the event loop do all that is ready."""
    for _ in range(8):
        await asyncio.sleep(0)


def lines(octets: bytes) -> list[bytes]:
    """The lines of a head."""
    return octets.split(b"\r\n\r\n", 1)[0].split(b"\r\n")


def ok(body: bytes = b"ok", *fields: bytes, status: int = 200) -> bytes:
    """An upstream's answer."""
    return b"\r\n".join([b"HTTP/1.1 %d OK" % status, *fields, b"Content-Length: %d" % len(body), b"", body])
