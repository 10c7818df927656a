"""The way through a corporate proxy, asked for on a real socket."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from proxy.config.egress import CorporateProxy
from proxy.errors import UpstreamUnreachable
from proxy.upstream.tunnel import tunnel
from tests.cases import cases

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


class Gate:
    """A corporate proxy that answers one CONNECT."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces
        self.asked = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.asked = await reader.readuntil(b"\r\n\r\n")
        for piece in self._pieces:
            writer.write(piece)
            await writer.drain()
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def connected(gate: Gate) -> AsyncIterator[tuple[socket.socket, Callable[..., CorporateProxy]]]:
    """A socket to the gate, and its configuration."""
    server = await asyncio.start_server(gate.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        with socket.socket() as client:
            client.setblocking(False)
            await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
            yield client, lambda **more: CorporateProxy(url=f"http://127.0.0.1:{port}", **more)
    finally:
        server.close()
        await server.wait_closed()


async def test_the_proxy_is_asked_for_host_and_port_with_its_credentials() -> None:
    """Nothing of a message is there."""
    gate = Gate(ESTABLISHED)
    async with connected(gate) as (client, proxy):
        await tunnel(client, proxy(authorization="Basic dTpw"), "up.example:443")
    assert gate.asked == (
        b"CONNECT up.example:443 HTTP/1.1\r\nHost: up.example:443\r\nProxy-Authorization: Basic dTpw\r\n\r\n"
    )


@cases(
    "answer",
    {
        "chunks in 1.0": b"HTTP/1.0 200 Connection established\r\nTransfer-Encoding: chunked\r\n\r\n",
        "two lengths": b"HTTP/1.1 200\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "interim answers": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\n\r\n" + ESTABLISHED,
    },
)
async def test_a_way_is_there_whatever_else_its_answer_says(answer: bytes) -> None:
    """Framing means nothing here (RFC 9110 §9.3.6)."""
    gate = Gate(answer)
    async with connected(gate) as (client, proxy):
        await tunnel(client, proxy(), "up.example:443")
    assert gate.asked.startswith(b"CONNECT up.example:443 ")


async def test_interim_answers_have_an_end() -> None:
    """A proxy that sends nothing else is none."""
    async with connected(Gate(b"HTTP/1.1 100 Continue\r\n\r\n" * 17)) as (client, proxy):
        with pytest.raises(UpstreamUnreachable, match="does not answer as an HTTP proxy does"):
            await tunnel(client, proxy(), "up.example:443")


async def test_without_credentials_none_are_sent() -> None:
    """There is no empty Proxy-Authorization."""
    gate = Gate(ESTABLISHED[:20], ESTABLISHED[20:])
    async with connected(gate) as (client, proxy):
        await tunnel(client, proxy(), "up.example:443")
    assert gate.asked == b"CONNECT up.example:443 HTTP/1.1\r\nHost: up.example:443\r\n\r\n"


@cases(
    "answer, words",
    (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "refuses the credentials"),
    (
        b"HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n\r\n",
        "wants Negotiate or NTLM: credentials are configured; this proxy takes Basic only",
    ),
    (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "with 403"),
    (b"", "closed the connection"),
    (b"SSH-2.0-x\r\n\r\n", "check `proxy_url`"),
    (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000, "check `proxy_url`"),
    (ESTABLISHED + b"HTTP/1.1 200 OK\r\n\r\n", "bytes of its own"),
)
async def test_a_proxy_that_does_not_connect_is_named_with_what_to_do(answer: bytes, words: str) -> None:
    """Each is a 502."""
    async with connected(Gate(answer)) as (client, proxy):
        with pytest.raises(UpstreamUnreachable, match=words) as failure:
            await tunnel(client, proxy(authorization="Basic c2VjcmV0"), "up.example:443")
    assert "127.0.0.1" in failure.value.detail
    assert "c2VjcmV0" not in failure.value.detail
