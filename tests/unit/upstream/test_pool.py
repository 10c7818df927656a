"""The pool of connections to one upstream, on real sockets."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from proxy.config.model import Tls
from proxy.errors import ConnectTimeout, UpstreamClosed, UpstreamUnreachable
from proxy.upstream.connection import UpstreamConnection
from proxy.upstream.pool import Origin, Pool, unreachable
from proxy.upstream.tls import client_context
from tests.fakes.loop import HandLoop

PATIENCE = 30.0
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
REQUEST = b"GET / HTTP/1.1\r\nHost: u\r\n\r\n"

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Upstream:
    """A server whose conversations are one function."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self.heard: list[bytes] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.accepted = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        task = asyncio.current_task()
        assert task is not None
        self.tasks.append(task)
        self.accepted += 1
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()


async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer each request."""
    while True:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await writer.drain()


@asynccontextmanager
async def upstream(talk: Talk = answering, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[Upstream, int]]:
    """A server and its port."""
    made = Upstream(talk)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield made, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in made.tasks:
            task.cancel()
        await asyncio.gather(*made.tasks, return_exceptions=True)


@asynccontextmanager
async def pool(
    port: int, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[Pool, HandLoop]]:
    """A pool, and the clock of its deadlines."""
    loop = HandLoop(monotonic=0.0)
    made = Pool(Origin(host=host, port=port, tls=tls), loop.deadlines(), idle_timeout=30)
    try:
        yield made, loop
    finally:
        await made.close()


class Bell:
    """What a connection rings."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wake who waits."""
        self._event.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds after a ring."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await self._event.wait()
                self._event.clear()


async def ask(connection: UpstreamConnection, octets: bytes = REQUEST) -> bytes:
    """Send a request, and return the body of its answer or raise its failure."""
    bell = Bell()
    connection.lease(bell.ring, "GET", 60)
    connection.send(octets)
    connection.end_request()
    await bell.until(
        lambda: connection.failure is not None or (connection.body is not None and connection.body.ended)
    )
    if connection.failure is not None:
        raise connection.failure
    assert connection.body is not None
    return connection.body.take()


async def turns_until(condition: Callable[[], bool]) -> None:
    """Let the event loop run until a condition holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0)


async def test_a_connection_is_used_again() -> None:
    """The one that was used last is the first."""
    async with upstream() as (server, port), pool(port) as (ours, _):
        assert ours.take() is None
        first, second = await ours.connect(10), await ours.connect(10)
        assert (await ask(first), await ask(second)) == (b"ok", b"ok")
        assert (ours.leased, ours.idle) == (2, 0)
        ours.give_back(first)
        ours.give_back(second)
        assert (ours.leased, ours.idle) == (0, 2)

        assert ours.take() is second
        assert await ask(second) == b"ok"
        assert (ours.leased, ours.idle, server.accepted) == (1, 1, 2)


async def test_a_connection_that_cannot_be_used_again_is_not_kept() -> None:
    """Nor one that is given back twice."""
    async with upstream() as (_, port), pool(port) as (ours, _):
        connection = await ours.connect(10)
        connection.lease(lambda: None, "GET", 60)
        connection.send(REQUEST)
        ours.give_back(connection)
        assert (ours.idle, ours.take()) == (0, None)

        again = await ours.connect(10)
        await ask(again)
        ours.give_back(again)
        ours.give_back(again)
        assert ours.take() is None


async def test_an_idle_connection_that_the_upstream_closed_is_not_handed_out() -> None:
    """Also when the event loop has not told us yet: a POST on it could not be sent again."""
    closing = asyncio.Event()
    closed = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await closing.wait()
        connected = writer.get_extra_info("socket")
        connected.shutdown(socket.SHUT_RDWR)
        closed.set()
        await asyncio.Event().wait()

    async with upstream(talk) as (_, port), pool(port) as (ours, _):
        connection = await ours.connect(10)
        await ask(connection)
        ours.give_back(connection)
        closing.set()
        await closed.wait()

        assert ours.take() is None
        await turns_until(lambda: ours.leased == 0)


async def test_an_idle_connection_that_sends_unasked_is_not_handed_out() -> None:
    """Its octets would be taken for the next answer."""
    sending = asyncio.Event()
    sent = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await sending.wait()
        writer.write(OK)
        sent.set()
        await asyncio.Event().wait()

    async with upstream(talk) as (_, port), pool(port) as (ours, _):
        connection = await ours.connect(10)
        await ask(connection)
        ours.give_back(connection)
        sending.set()
        await sent.wait()

        assert ours.take() is None


async def test_an_idle_connection_is_closed_in_time() -> None:
    """After upstream_idle_timeout, well before CPI's own."""
    async with upstream() as (_, port), pool(port) as (ours, loop):
        connection = await ours.connect(10)
        await ask(connection)
        ours.give_back(connection)
        loop.advance(29)
        assert ours.idle == 1
        loop.advance(2)
        assert not connection.open
        await turns_until(lambda: ours.idle == 0)

        assert ours.leased == 0


async def test_a_connection_that_nobody_waits_for_any_more_is_made_all_the_same() -> None:
    """Who gives up leaves nothing half open."""
    async with upstream() as (_, port), pool(port) as (ours, _):
        connection = await ours.connect(10)
        ours.give_back(connection)
        await turns_until(lambda: ours.leased == 0)

        assert not connection.open


async def test_an_upstream_that_closes_at_once_is_seen_as_closed() -> None:
    """Accepted and dropped, as servers at their limit do; its socket is not touched any more."""

    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with upstream(talk) as (_, port), pool(port) as (ours, _):
        connection = await ours.connect(10)
        await turns_until(lambda: not connection.open)
        await turns_until(lambda: ours.leased == 0)
        connection.send(b"late")

        assert not connection.wrote


async def test_a_connection_that_is_lost_while_it_is_made_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its socket's number may belong to another by then."""
    loop = asyncio.get_running_loop()
    create = loop.create_connection

    async def slow(*args: object, **options: object) -> object:
        transport, connection = await create(*args, **options)  # type: ignore[call-overload]
        transport.abort()
        await turns_until(lambda: not connection.open)
        return transport, connection

    async with upstream() as (_, port), pool(port) as (ours, _):
        with monkeypatch.context() as patch:
            patch.setattr(type(loop), "create_connection", lambda _self, *args, **options: slow(*args, **options))
            connection = await ours.connect(10)

        assert (connection.open, connection.stale(), ours.leased) == (False, False, 0)


async def test_all_connections_end_with_the_pool() -> None:
    """Leased and idle ones, and those on their way."""
    async with upstream() as (_, port), pool(port) as (ours, _):
        leased, idle = await ours.connect(10), await ours.connect(10)
        await ask(idle)
        ours.give_back(idle)
        leased.lease(lambda: None, "GET", 60)
        coming = ours.connect(10)
        await ours.close()

        assert coming.cancelled()
        await turns_until(lambda: (ours.leased, ours.idle) == (0, 0))
        assert isinstance(leased.failure, UpstreamClosed)


async def test_a_body_cut_without_close_notify_is_a_cut(authority: trustme.CA, ca_file: Path) -> None:
    """RFC 8446 §6.1: with TLS an end that nobody signed may be an attacker's."""
    for signed in (True, False):

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, signed: bool = signed) -> None:  # noqa: FBT001, FBT002
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\n\r\nhalf")
            await writer.drain()
            if signed:
                writer.close()
                await writer.wait_closed()
            else:
                raw = writer.get_extra_info("socket")
                raw.shutdown(socket.SHUT_WR)
                await asyncio.Event().wait()

        async with upstream(talk, server_context(authority)) as (_, port):
            context = client_context(Tls(ca_file=ca_file))
            async with pool(port, tls=context) as (ours, _):
                connection = await ours.connect(10)
                if signed:
                    assert await ask(connection) == b"half"
                else:
                    with pytest.raises(UpstreamClosed):
                        await ask(connection)


# ---- no connection


def server_context(authority: trustme.CA, host: str = "127.0.0.1") -> ssl.SSLContext:
    """What a server presents."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(host).configure_cert(context)
    return context


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Issues certificates."""
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    """Its certificate."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


async def test_a_tls_upstream_with_a_trusted_certificate_is_reached(authority: trustme.CA, ca_file: Path) -> None:
    """And its idle connection is used again, whatever TLS sent after the handshake."""
    context = client_context(Tls(ca_file=ca_file))
    async with upstream(tls=server_context(authority)) as (server, port), pool(port, tls=context) as (ours, _):
        connection = await ours.connect(10)
        assert await ask(connection) == b"ok"
        ours.give_back(connection)

        assert ours.take() is connection
        assert (await ask(connection), server.accepted) == (b"ok", 1)


@pytest.mark.parametrize("host", ["127.0.0.1", "other.example"], ids=["another authority", "another name"])
async def test_a_certificate_that_is_not_trusted_is_no_connection(
    host: str, authority: trustme.CA, ca_file: Path
) -> None:
    """Nothing is sent to it, and the sentence says what to do."""
    issuer = authority if host == "other.example" else trustme.CA()
    context = client_context(Tls(ca_file=ca_file))
    async with (
        upstream(tls=server_context(issuer, host)) as (server, port),
        pool(port, tls=context) as (ours, _),
    ):
        with pytest.raises(UpstreamUnreachable, match="is not trusted.*ca_file") as raised:
            await ours.connect(10)

        assert (raised.value.error_type, server.heard, ours.leased) == ("tls_certificate_error", [], 0)


async def test_a_server_without_tls_is_told_from_one_that_is_down() -> None:
    """The wrong scheme, in most cases."""

    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        await asyncio.Event().wait()

    async with upstream(talk) as (_, port), pool(port, tls=ssl.create_default_context()) as (ours, _):
        with pytest.raises(UpstreamUnreachable, match="does it speak https") as raised:
            await ours.connect(10)

        assert raised.value.error_type == "tls_protocol_error"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_refused_connection_is_told_as_such(host: str) -> None:
    """By one address or by all of them."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with pool(unused.getsockname()[1], host=host) as (ours, _):
            with pytest.raises(UpstreamUnreachable, match="refused the connection") as raised:
                await ours.connect(10)

    assert raised.value.error_type == "connection_refused"


async def test_a_handshake_that_takes_too_long_is_a_timeout() -> None:
    """connect_timeout covers name, TCP and TLS."""

    async def silent(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with upstream(silent) as (_, port), pool(port, tls=ssl.create_default_context()) as (ours, _):
        with pytest.raises(ConnectTimeout, match="within 0.01 s"):
            await ours.connect(0.01)

        assert ours.leased == 0


ORIGIN = Origin(host="u.example", port=443, tls=None)


@pytest.mark.parametrize(
    ("error", "text", "error_type"),
    [
        (socket.gaierror(-2, "x"), "u.example cannot be resolved", "dns_error"),
        (ConnectionRefusedError(111, "x"), "u.example:443 refused", "connection_refused"),
        (ssl.SSLError(1, "x"), "handshake failed", "tls_protocol_error"),
        (OSError(113, "No route to host"), "No route to host", "destination_unavailable"),
        (OSError(), "OSError", "destination_unavailable"),
        (ConnectionResetError(), "ConnectionResetError", "destination_unavailable"),
    ],
)
def test_each_kind_of_failure_says_what_it_is(error: OSError, text: str, error_type: str) -> None:
    """RFC 9209 §2.3."""
    told = unreachable(ORIGIN, error)

    assert text in told.detail
    assert told.error_type == error_type
