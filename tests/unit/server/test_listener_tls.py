"""A listener with TLS, on both event loops and real sockets."""

import asyncio
import socket
from pathlib import Path

import pytest

from proxy.config.model import ListenerSettings as Settings
from proxy.config.model import ListenerTls
from proxy.config.parsed_values import Address
from proxy.errors import ProxyError
from proxy.forwarding.request import Request
from proxy.forwarding.request import Sender as ProxySender
from proxy.server.listener import Listener
from tests.fakes.authority import Authority
from tests.fakes.listener import listener_context
from tests.fakes.sender import Sender, request
from tests.fakes.upstream import PATIENCE

LARGE = bytes(range(256)) * (8 << 10)
"2 MiB: more than sockets and buffers hold."


class Served:
    """What is behind the listener."""

    def __init__(self, tls: ListenerTls) -> None:
        self.failed: asyncio.Queue[Exception] = asyncio.Queue()
        self.requests: list[Request] = []
        self.refusals: list[ProxyError] = []
        self.context = listener_context(self.serve, refuse=self.refuse, handshake_failed=self.handshake_failed)
        self.listener = Listener(Settings(address=Address(host="127.0.0.1", port=0), tls=tls), self.context)

    async def serve(self, request: Request) -> None:
        """Give back what came."""
        self.requests.append(request)
        body = b""
        while piece := await request.body.read():
            body += piece
        request.sender.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    def handshake_failed(self, error: Exception, address: str, *, wants_certificate: bool) -> None:
        """Keeps the error."""
        del wants_certificate
        if address == "127.0.0.1":
            self.failed.put_nowait(error)

    def refuse(self, sender: ProxySender, error: ProxyError, request_id: str) -> None:
        """Answers with the status."""
        self.refusals.append(error)
        sender.send(f"HTTP/1.1 {error.status} {request_id}\r\nContent-Length: 0\r\n\r\n".encode())

    async def stop(self) -> None:
        """Let nobody stay."""
        await self.listener.stop()
        for each in self.context.connections:
            each.abort()
        await self.context.connections.emptied(PATIENCE)
        await self.listener.close()


@pytest.fixture
def issuer(tmp_path: Path) -> Authority:
    """The authority of everybody."""
    return Authority(tmp_path)


@pytest.fixture
def served(issuer: Authority) -> Served:
    """A listener that wants certificates."""
    return Served(ListenerTls.model_validate(issuer.listener() | {"client_ca_file": issuer.ca_file()}))


async def test_a_sender_with_a_certificate_is_served(served: Served, issuer: Authority) -> None:
    """And known by its subject."""
    await asyncio.to_thread(served.listener.bind, [], reuse_port=False)
    await served.listener.start()
    sender = await Sender.connect(served.listener.port, issuer.identify(issuer.trusting(), "ERP"))
    assert (await sender.ask(request(b"POST /a", body=LARGE))).body == LARGE
    sender.leave()
    (first,) = served.requests
    assert (first.sender.secure, first.sender.subject.partition(",")[0]) == (True, "CN=ERP")
    await served.stop()


async def test_a_large_answer_comes_whole_before_the_end(served: Served, issuer: Authority) -> None:
    """The event loops' own TLS may lose its end."""
    await asyncio.to_thread(served.listener.bind, [], reuse_port=False)
    await served.listener.start()
    port, tls = served.listener.port, issuer.identify(issuer.trusting(), "ERP")

    def ask() -> bytes:
        with (
            socket.create_connection(("127.0.0.1", port), PATIENCE) as connected,
            tls.wrap_socket(connected, server_hostname="proxy.example", suppress_ragged_eofs=False) as secured,
        ):
            secured.sendall(request(b"POST /a", b"Connection: close", body=LARGE))
            return b"".join(iter(lambda: secured.recv(1 << 16), b""))

    assert (await asyncio.to_thread(ask)).partition(b"\r\n\r\n")[2] == LARGE
    await served.stop()
