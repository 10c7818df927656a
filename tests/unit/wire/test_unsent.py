"""What a peer has not taken yet."""

import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from proxy.wire.unsent import LOOK, PeerProgress, queued, unsent
from tests.cases import cases
from tests.fakes.transport import MemoryTransport

ASKED = pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="the system cannot be asked")


@pytest.fixture(params=[socket.AF_INET, socket.AF_UNIX])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a connection."""
    if request.param is socket.AF_UNIX:
        here, there = socket.socketpair()
    else:
        with socket.create_server(("127.0.0.1", 0)) as server:
            here = socket.create_connection(server.getsockname())
            there, _ = server.accept()
    with here, there:
        here.setblocking(False)
        yield here, there


def fill(connected: socket.socket) -> None:
    """Write until the system takes no more."""
    try:
        while connected.send(b"a" * 65536):
            pass
    except BlockingIOError:
        pass


@ASKED
def test_what_the_system_holds_is_seen(pair: tuple[socket.socket, socket.socket]) -> None:
    """It falls when the peer reads."""
    here, there = pair
    assert queued(here) == 0
    fill(here)
    full = queued(here)
    assert full > 0
    while queued(here) >= full:
        assert there.recv(65536)
    assert 0 <= queued(here) < full


@ASKED
def test_both_what_waits_here_and_what_the_system_holds_count(pair: tuple[socket.socket, socket.socket]) -> None:
    """One without a socket has the former."""
    here, _ = pair
    fill(here)
    transport, bare = MemoryTransport(socket=here), MemoryTransport()
    transport.buffered = bare.buffered = 7
    assert (unsent(transport), unsent(bare)) == (queued(here) + 7, 7)


@cases("platform", "win32", "freebsd14")
def test_where_it_cannot_be_asked_the_system_holds_nothing(
    platform: str, pair: tuple[socket.socket, socket.socket]
) -> None:
    """Then what waits here has to do."""
    fill(pair[0])
    assert queued(pair[0], platform) == 0


class Asked:
    """A socket of macOS."""

    def getsockopt(self, level: int, option: int) -> int:
        """Give its number back."""
        assert level == socket.SOL_SOCKET
        return option


def test_macos_is_asked_in_its_own_way() -> None:
    """By SO_NWRITE."""
    assert queued(cast("Any", Asked()), "darwin") == 0x1024


@ASKED
def test_what_cannot_answer_holds_nothing(tmp_path: Path) -> None:
    """A closed socket, or a system without an answer."""
    closed = socket.socket()
    closed.close()
    assert queued(closed) == 0
    with (tmp_path / "file").open("wb") as file:
        assert queued(cast("Any", file)) == 0


def test_a_peer_that_takes_something_has_time_again() -> None:
    """And is looked at now and then in between."""
    transport, taking = MemoryTransport(), PeerProgress()
    transport.buffered = 100
    taking.begin(transport, 0)
    assert [taking.look(transport, now, 60) for now in (0, 50, 58, 60)] == [LOOK, 50 + LOOK, 60, 60]

    transport.buffered = 99
    assert [taking.look(transport, now, 60) for now in (59, 118, 119)] == [59 + LOOK, 119, 119]


def test_writing_more_is_not_taking() -> None:
    """Only what falls below all before counts."""
    transport, taking = MemoryTransport(), PeerProgress()
    transport.buffered = 100
    taking.begin(transport, 0)
    transport.buffered = 200
    taking.look(transport, 30, 60)
    transport.buffered = 150
    assert taking.look(transport, 59, 60) == 60
