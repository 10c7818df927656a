"""Five thousand POSTs to an upstream that fails in all its ways: what was answered 2xx arrived once, nothing twice.

The rarest of its faults strikes about fifty times, on kept and on new connections, before each size of body; the seeds
are fixed, so more messages would mostly repeat what these have met.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import cast

import pytest
import yaml

from tests.fakes.authorization_server import AuthorizationServer, granted
from tests.fakes.sender import Sender, request
from tests.fakes.stream_server import reset
from tests.system.command import Proxy, document

SENDERS, EACH = 25, 200
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
FAULTS = {
    "closed before the body": 0.01,
    "closed after it": 0.02,
    "reset after it": 0.01,
    "answered by half": 0.01,
    "answered with no HTTP": 0.01,
    "answered and closed unsaid": 0.02,
    "answered and closed": 0.01,
    "failed": 0.01,
    "refused": 0.01,
    "answered in chunks": 0.05,
}
"What goes wrong, and how often."


class CountingUpstream(asyncio.Protocol):
    """Counts whole messages by the number in front of their body."""

    def __init__(self, arrived: Counter[int], faults: Counter[str], chance: Random) -> None:
        self._arrived, self._faults, self._chance = arrived, faults, chance
        self._held = b""
        self._planned: str | None = None
        self._transport = cast("asyncio.Transport", None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, octets: bytes) -> None:
        """Part of a request; one at a time, as the proxy sends them."""
        self._held += octets
        head, end, body = self._held.partition(b"\r\n\r\n")
        if not end:
            return
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        if self._planned is None:
            self._planned = self._fault()
        if self._planned == "closed before the body" and len(body) < length:
            self._transport.abort()
        elif len(body) >= length:
            fault, self._planned, self._held = self._planned, None, b""
            if fault != "refused":  # by a 401 before anything is done about it
                self._arrived[int(body.split(b" ")[0])] += 1
            self._answer(fault)

    def _fault(self) -> str:
        number = self._chance.random()
        for fault, share in FAULTS.items():
            if number < share:
                self._faults[fault] += 1
                return fault
            number -= share
        return ""

    def _answer(self, fault: str) -> None:
        transport = self._transport
        match fault:
            case "closed after it":
                transport.close()
            case "reset after it":
                self._reset()
            case "answered by half":
                transport.write(OK[:-1])
                transport.close()
            case "answered with no HTTP":
                transport.write(b"<html>\r\n\r\n")
            case "answered and closed unsaid":
                transport.write(OK)
                transport.close()
            case "answered and closed":
                transport.write(OK.replace(b"Content", b"Connection: close\r\nContent"))
                transport.close()
            case "failed":
                transport.write(OK.replace(b"200 OK", b"500 "))
            case "refused":
                transport.write(OK.replace(b"200 OK", b"401 "))
            case "answered in chunks":
                transport.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
            case _:
                transport.write(OK)

    def _reset(self) -> None:
        reset(self._transport)


@pytest.fixture
async def upstream() -> AsyncIterator[tuple[int, Counter[int], Counter[str]]]:
    """Its port, what arrived, and what it did wrong."""
    arrived, faults, chance = Counter[int](), Counter[str](), Random(1)
    server = await asyncio.get_running_loop().create_server(
        lambda: CountingUpstream(arrived, faults, chance), "127.0.0.1", 0
    )
    yield server.sockets[0].getsockname()[1], arrived, faults
    server.close()


async def send_all(port: int, first: int, statuses: dict[int, int]) -> None:
    """One sender's messages, one after the other; a new connection where the last one broke."""
    chance, sender = Random(first), await Sender.connect(port)
    for number in range(first, first + EACH):
        body = b"%d " % number + b"x" * chance.choice([0, 100, 1000, 30_000])
        try:
            statuses[number] = (await sender.ask(request(b"POST /orders", body=body))).status
        except (ConnectionError, asyncio.IncompleteReadError):
            statuses[number] = 0
            sender.leave()
            sender = await Sender.connect(port)
    sender.leave()


async def test_none_is_lost_and_none_doubled(upstream: tuple[int, Counter[int], Counter[str]], tmp_path: Path) -> None:
    """What was answered 2xx arrived exactly once."""
    port, arrived, faults = upstream
    statuses: dict[int, int] = {}
    async with AuthorizationServer(*(granted(f"token-{number}") for number in range(50))) as authority:
        url, route, log = f"http://127.0.0.1:{port}", {"buffer": "16KiB"}, {"sample": 0}
        written = document(url, authority.url, route=route, log=log)
        (tmp_path / "proxy.yaml").write_text(yaml.safe_dump(written))
        async with Proxy(tmp_path / "proxy.yaml") as proxy:
            await asyncio.gather(*(send_all(proxy.port, each * EACH, statuses) for each in range(SENDERS)))
    assert len(statuses) == SENDERS * EACH
    assert set(faults) == set(FAULTS)
    assert min(faults.values()) > 20
    assert max(arrived.values()) == 1
    delivered = [number for number, status in statuses.items() if 200 <= status < 300]
    assert all(arrived[number] == 1 for number in delivered)
    assert len(delivered) > 0.9 * SENDERS * EACH
    assert set(statuses.values()) <= {0, 200, 401, 500, 502}
