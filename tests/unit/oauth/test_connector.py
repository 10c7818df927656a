"""Connections to token endpoints: limits, TCP keep-alive, and addresses."""

import asyncio
import gzip
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from proxy.config.model import Tls
from proxy.errors import GrantMalformed, GrantTimeout
from proxy.oauth.answer import MAX_BODY, TokenResponse
from proxy.oauth.connector import MAX_HEAD, MAX_INTERIM, GrantConnector, GrantResolver, _socket, textual
from proxy.oauth.endpoint import GrantSession
from proxy.wire.resolver import Resolver
from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer, granted
from tests.fakes.dns import Dns, faked
from tests.unit.oauth.registrations import registration
from tests.unit.oauth.sending import detail_of, send

Talk = Callable[[asyncio.StreamWriter], Awaitable[None]]
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
TOKEN = b'{"access_token": "t"}'
END = b"Content-Length: %d\r\n\r\n%b" % (len(TOKEN), TOKEN)
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@asynccontextmanager
async def server(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Serve a token endpoint that sends this whatever the request; yields its URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        try:
            await talk(writer)
        except ConnectionError:
            pass
        finally:
            ended.set()
            writer.transport.abort()

    ended = asyncio.Event()
    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    port = listening.sockets[0].getsockname()[1]
    yield f"{'https' if tls else 'http'}://127.0.0.1:{port}/t"
    await ended.wait()  # an endless answer ends because the client has closed the connection
    listening.close()
    await listening.wait_closed()


def says(*octets: bytes, endless: bool = False) -> Talk:
    """If it is endless, the last of it for ever."""

    async def talk(writer: asyncio.StreamWriter) -> None:
        for each in octets[:-1] if endless else octets:
            writer.write(each)
            await writer.drain()
        while endless:
            writer.write(octets[-1] * (65536 // len(octets[-1])))
            await writer.drain()

    return talk


@cases(
    "octets",
    {
        "64 interim answers": [INTERIM * MAX_INTERIM, OK, END],
        "interim answers, one by one": [INTERIM, INTERIM, OK + END],
        "a long field": [OK, b"X: " + b"x" * 200_000 + b"\r\n", END],
        "a long name": [OK, b"X" * 200_000 + b": x\r\n", END],
        "a long reason": [b"HTTP/1.1 200 " + b"O" * 200_000 + b"\r\n", END],
        "many fields": [OK, b"Set-Cookie: a=b\r\n" * 14_000, END],
        "very many fields": [OK, b"a:\r\n" * 60_000, END],
        "a head of 256 KiB": [OK, b"X: " + b"x" * (MAX_HEAD - 200) + b"\r\n", END],
        "each head for itself": [b"HTTP/1.1 100 Continue\r\nX: " + b"x" * 250_000 + b"\r\n\r\n"] * 3 + [OK, END],
        "octets behind the answer": [OK + END + OK + END],
        "small chunks": [
            OK,
            b"Transfer-Encoding: chunked\r\n\r\n",
            *(b"1\r\n%c\r\n" % each for each in TOKEN),
            b"0\r\n\r\n",
        ],
        "gzip": [OK, b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n" + gzip.compress(TOKEN)],
    },
)
@cases("secured", False, True)
async def test_a_good_token_is_not_lost(
    session: GrantSession,
    tls: ssl.SSLContext,
    ca_file: Path,
    octets: list[bytes],
    secured: bool,
) -> None:
    """Much may come before it, within the limits."""
    async with server(says(*octets), tls if secured else None) as url:
        answer = await send(session, registration(token_url=url, tls=Tls(ca_file=ca_file) if secured else Tls()))
    assert (answer.status, answer.body) == (200, TOKEN)


@cases(
    "octets, what",
    {
        "interim answers": ([INTERIM], "more than 64 interim answers"),
        "short interim answers": ([b"HTTP/1.1 100 \r\n\r\n"], "more than 64 interim answers"),
        "fields": ([OK, b"X: y\r\n"], "a head of more than 256 KiB"),
        "one field": ([OK + b"X: ", b"y"], "a head of more than 256 KiB"),
        "a reason": ([b"HTTP/1.1 200 ", b"O"], "a head of more than 256 KiB"),
        "one interim answer": ([b"HTTP/1.1 103 E\r\nX: ", b"y"], "a head of more than 256 KiB"),
        "a chunk extension": ([CHUNKED + b"1;a=", b"y"], "more than 1 MiB"),
        "a trailer field": ([CHUNKED + b"0\r\nX: ", b"y"], "something that is not HTTP"),
        "trailer fields": ([CHUNKED + b"0\r\n", b"X: y\r\n"], "something that is not HTTP"),
    },
)
async def test_what_never_ends_is_refused(session: GrantSession, octets: list[bytes], what: str) -> None:
    """Long before the timeout."""
    async with server(says(*octets, endless=True)) as url:
        detail = await detail_of(session, registration(token_url=url, timeout=10.0), GrantMalformed)
    assert detail == f"answered with {what}: check token_url."


async def test_one_interim_answer_too_many_is_refused(session: GrantSession) -> None:
    """The answer after it is not read."""
    async with server(says(INTERIM * (MAX_INTERIM + 1) + OK + END)) as url:
        detail = await detail_of(session, registration(token_url=url), GrantMalformed)
    assert detail == "answered with more than 64 interim answers: check token_url."


@cases(
    "head",
    b"Transfer-Encoding: chunked\r\n\r\n100000000\r\n",
    b"Connection: close\r\n\r\n",
    b"Content-Length: 1000000000000\r\n\r\n",
)
async def test_an_endless_body_is_read_to_one_byte_beyond_its_limit(session: GrantSession, head: bytes) -> None:
    """The framing makes no difference."""
    async with server(says(OK + head, b" ", endless=True)) as url:
        answer = await send(session, registration(token_url=url))
    assert answer == TokenResponse(status=200, body=b" " * (MAX_BODY + 1))


async def test_a_compressed_body_grows_no_further_than_its_limit(session: GrantSession) -> None:
    """The rest of it is not decompressed."""
    bomb = gzip.compress(b" " * (64 << 20))
    async with server(says(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb), bomb)) as url:
        answer = await send(session, registration(token_url=url))
    assert len(answer.body) == MAX_BODY + 1


def test_a_connection_has_tcp_keep_alive() -> None:
    """Firewalls do not forget it, with IPv4 or IPv6."""
    for family in (socket.AF_INET, socket.AF_INET6):
        with _socket((family, socket.SOCK_STREAM, 6, "", ())) as made:
            assert made.family == family
            assert made.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1


async def test_the_connector_makes_such_sockets() -> None:
    """They lead to servers and to corporate proxies."""
    connector = GrantConnector(Resolver())
    assert connector._socket_factory is _socket
    await connector.close()


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dns]:
    """Resolve all names to this machine."""
    with faked(monkeypatch) as made:
        yield made


async def test_an_address_is_returned_as_aiohttp_represents_it(dns: Dns) -> None:
    """The name is looked up once."""
    resolver = GrantResolver(Resolver())
    numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    assert await resolver.resolve("as.example", 443) == [
        {"hostname": "as.example", "host": "127.0.0.1", "port": 443, "family": 2, "proto": 6, "flags": numeric}
    ]
    await resolver.close()
    assert dns.asked == ["as.example"]


def test_a_link_local_address_keeps_its_zone() -> None:
    """The address alone does not say which link (RFC 4007 §6)."""
    assert textual(("fe80::1", 443, 0, 7)) == "fe80::1%7"
    assert textual(("2001:db8::1", 443, 0, 0)) == "2001:db8::1"


async def test_a_token_endpoint_is_reached_by_name(session: GrantSession, dns: Dns) -> None:
    """Each request looks up the name again."""
    async with AuthorizationServer(granted(), granted()) as server:
        client = registration(token_url=f"http://as.example:{server.port}/t")
        assert [(await send(session, client)).status for _ in range(2)] == [200, 200]
    assert dns.asked == ["as.example"] * 2


async def test_a_look_up_that_hangs_delays_no_other(session: GrantSession, dns: Dns) -> None:
    """An address in the URL is not looked up."""
    dns.hang("hangs.example")
    client = registration(token_url="http://hangs.example/t", timeout=0.01)
    expected = "cannot be reached (the name hangs.example was not resolved within 0.01 s): check DNS."
    assert await detail_of(session, client, GrantTimeout) == expected
    async with AuthorizationServer(granted(), granted()) as server:
        for host in ("127.0.0.1", "as.example"):
            assert (await send(session, registration(token_url=f"http://{host}:{server.port}/t"))).status == 200
    assert dns.asked == ["hangs.example", "as.example"]
