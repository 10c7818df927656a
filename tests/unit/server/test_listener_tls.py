"""A listener with TLS, on both event loops and real sockets."""

import asyncio
import socket
from pathlib import Path

import pytest

from proxy.config.model import ListenerSettings as Settings
from proxy.config.model import ListenerTls
from proxy.config.parsed_values import Address
from proxy.forwarding.request import Request
from proxy.server.listener import Listener
from tests.fakes.authority import Authority
from tests.fakes.listener import listener_context
from tests.fakes.sender import request
from tests.fakes.upstream import PATIENCE

LARGE = bytes(range(256)) * (8 << 10)
"2 MiB: more than sockets and buffers hold."


async def echo(request: Request) -> None:
    """Give back what came, from a sender that is known."""
    assert (request.sender.secure, request.sender.subject.partition(",")[0]) == (True, "CN=ERP")
    body = b""
    while piece := await request.body.read():
        body += piece
    request.sender.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


@pytest.fixture
def issuer(tmp_path: Path) -> Authority:
    """The authority of the listener's certificate."""
    return Authority(tmp_path)


@pytest.fixture
def listener(issuer: Authority) -> Listener:
    """Made outside of the event loop, because it reads files."""
    tls = ListenerTls.model_validate(issuer.listener() | {"client_ca_file": issuer.ca_file()})
    return Listener(Settings(address=Address(host="127.0.0.1", port=0), tls=tls), listener_context(echo))


async def test_a_large_answer_comes_whole_before_the_end(issuer: Authority, listener: Listener) -> None:
    """The event loops' own TLS may lose its end."""
    await asyncio.to_thread(listener.bind, [], reuse_port=False)
    await listener.start()
    port, tls = listener.port, issuer.identify(issuer.trusting(), "ERP")

    def ask() -> bytes:
        with (
            socket.create_connection(("127.0.0.1", port), PATIENCE) as connected,
            tls.wrap_socket(connected, server_hostname="proxy.example", suppress_ragged_eofs=False) as secured,
        ):
            secured.sendall(request(b"POST /a", b"Connection: close", body=LARGE))
            return b"".join(iter(lambda: secured.recv(1 << 16), b""))

    assert (await asyncio.to_thread(ask)).partition(b"\r\n\r\n")[2] == LARGE
    await listener.stop()
    await listener._context.connections.emptied(PATIENCE)
    await listener.close()
