"""A listener with TLS, on both event loops and real sockets."""

import asyncio
import socket
import ssl
from pathlib import Path

import pytest

from proxy.config.model import Limits, ListenerTls
from proxy.config.model import ListenerSettings as Settings
from proxy.config.parsed_values import Address
from proxy.errors import ProxyError
from proxy.forwarding.request import Request
from proxy.server.listener import Listener, Reception
from proxy.server.sender_connection import SenderConnection
from proxy.server.sender_connections import SenderConnections
from tests.fakes.authority import Authority
from tests.fakes.heads import REQUESTS
from tests.fakes.loop import HandLoop
from tests.fakes.sender import Sender, request
from tests.fakes.upstream import PATIENCE
from tests.unit.oauth.world import Lines

LARGE = bytes(range(256)) * (8 << 10)
"2 MiB: more than sockets and buffers hold."


class House:
    """What is behind the listener."""

    def __init__(self, tls: ListenerTls) -> None:
        self.failed: asyncio.Queue[Exception] = asyncio.Queue()
        self.requests: list[Request] = []
        self.refusals: list[ProxyError] = []
        self.crowd = SenderConnections(Limits())
        reception = Reception(
            limits=Limits(),
            deadlines=HandLoop().deadlines(),
            ids=iter(f"id-{number}" for number in range(100)),
            crowd=self.crowd,
            serve=self.serve,
            refuse=self.refuse,
            crashed=lambda error, address: pytest.fail(f"{error} {address}"),
            unsecured=lambda error, address, **_: self.failed.put_nowait(error) if address == "127.0.0.1" else None,
            reader=REQUESTS,
            log=Lines(),
        )
        self.listener = Listener(Settings(address=Address(host="127.0.0.1", port=0), tls=tls), reception)

    async def serve(self, request: Request) -> None:
        """Give back what came."""
        self.requests.append(request)
        body = b""
        while piece := await request.body.read():
            body += piece
        request.sender.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    def refuse(self, connection: SenderConnection, error: ProxyError, request_id: str) -> None:
        """Answer with the code."""
        self.refusals.append(error)
        connection.send(f"HTTP/1.1 {error.status} {request_id}\r\nContent-Length: 0\r\n\r\n".encode())

    async def stop(self) -> None:
        """Let nobody stay."""
        await self.listener.stop()
        for each in self.crowd:
            each.abort()
        await self.crowd.emptied(PATIENCE)
        await self.listener.close()


@pytest.fixture
def issuer(tmp_path: Path) -> Authority:
    """The authority of everybody."""
    return Authority(tmp_path)


@pytest.fixture
def house(issuer: Authority) -> House:
    """A house whose senders have to show certificates, made where no event loop runs."""
    return House(ListenerTls.model_validate(issuer.listener() | {"client_ca_file": issuer.ca_file()}))


async def test_a_sender_with_a_certificate_is_served(house: House, issuer: Authority) -> None:
    """And known by its subject."""
    await asyncio.to_thread(house.listener.bind, [], reuse_port=False)
    await house.listener.start()
    sender = await Sender.connect(house.listener.port, issuer.identify(issuer.trusting(), "ERP"))
    assert (await sender.ask(request(b"POST /a", body=LARGE))).body == LARGE
    sender.leave()
    (served,) = house.requests
    assert (served.sender.secure, served.sender.subject.partition(",")[0]) == (True, "CN=ERP")
    await house.stop()


async def test_a_refused_sender_reads_why(house: House, issuer: Authority) -> None:
    """Though it goes on sending; then the end, in good order."""
    await asyncio.to_thread(house.listener.bind, [], reuse_port=False)
    await house.listener.start()
    sender = await Sender.connect(house.listener.port, issuer.identify(issuer.trusting(), "ERP"))
    await sender.send(b"no http at all\r\n\r\n" + LARGE[:100_000])
    assert (await sender.answer()).status == 400
    assert await sender.rest() == b""
    sender.leave()
    await house.stop()


async def test_others_fail(house: House, issuer: Authority) -> None:
    """Each in its own way, and none of them is heard."""
    await asyncio.to_thread(house.listener.bind, [], reuse_port=False)
    await house.listener.start()
    plain = await Sender.connect(house.listener.port)
    await plain.send(request(b"GET /a"))
    assert b"HTTP" not in await plain.rest()
    plain.leave()
    assert isinstance(await house.failed.get(), ssl.SSLError)

    unknown = issuer.trusting()
    unknown.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await Sender.connect(house.listener.port, unknown)
    assert isinstance(await house.failed.get(), ssl.SSLError)

    gone = await Sender.connect(house.listener.port)
    gone.leave()
    assert isinstance(await house.failed.get(), ConnectionError)
    assert house.requests == []
    await house.stop()


async def test_a_large_answer_comes_whole_before_the_end(house: House, issuer: Authority) -> None:
    """Up to the close_notify; asked from a thread, for the event loops' own TLS may lose the last of it."""
    await asyncio.to_thread(house.listener.bind, [], reuse_port=False)
    await house.listener.start()
    port, tls = house.listener.port, issuer.identify(issuer.trusting(), "ERP")

    def ask() -> bytes:
        with (
            socket.create_connection(("127.0.0.1", port), PATIENCE) as connected,
            tls.wrap_socket(connected, server_hostname="proxy.example", suppress_ragged_eofs=False) as secured,
        ):
            secured.sendall(request(b"POST /a", b"Connection: close", body=LARGE))
            return b"".join(iter(lambda: secured.recv(1 << 16), b""))

    assert (await asyncio.to_thread(ask)).partition(b"\r\n\r\n")[2] == LARGE
    await house.stop()
