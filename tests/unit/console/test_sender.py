"""The page's sender: no stranger is at its other end."""

import asyncio
import socket
from typing import Any

import pytest

from proxy.console.sender import Outgoing, loopback_pair
from tests.cases import cases


async def nothing() -> Any:
    """No body."""
    pieces: tuple[bytes, ...] = ()
    for each in pieces:
        yield each


@cases(
    "method, length, line",
    ("POST", 0, "Content-Length: 0\r\n"),
    ("GET", 0, ""),
    ("DELETE", 3, "Content-Length: 3\r\n"),
    ("PUT", None, "Transfer-Encoding: chunked\r\n"),
)
def test_the_head_says_how_long_the_body_is(method: str, length: int | None, line: str) -> None:
    """Usual methods have a length without one too."""
    message = Outgoing(method, "/a", [("Host", "b")], length, nothing())
    assert message.head.decode() == f"{method} /a HTTP/1.1\r\nHost: b\r\n{line}Connection: close\r\n\r\n"


async def test_the_two_ends_belong_together() -> None:
    """Each reads what the other writes."""
    first, second = await loopback_pair()
    with first, second:
        assert first.getsockname() == second.getpeername()


async def test_a_stranger_who_is_faster_is_turned_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """It could speak as the console."""
    strangers: list[socket.socket] = []
    real = socket.create_server

    def overtaken(*args: Any, **options: Any) -> socket.socket:
        server = real(*args, **options)
        strangers.append(socket.socket())
        strangers[0].setblocking(False)
        strangers[0].connect_ex(server.getsockname())
        return server

    monkeypatch.setattr(socket, "create_server", overtaken)
    with pytest.raises(ConnectionError, match="another process"):
        await loopback_pair()
    with strangers[0] as stranger:
        assert await asyncio.get_running_loop().sock_recv(stranger, 1) == b""
