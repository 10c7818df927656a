"""Sockets that listen: bound here, or handed over."""

import errno
import fcntl
import os
import socket
from pathlib import Path
from typing import cast

import pytest

from proxy.config.model import Address
from proxy.server import sockets
from tests.cases import cases

LOOPBACK = Address(host="127.0.0.1", port=0)


def test_an_address_is_listened_on() -> None:
    """Without not_accepted for those who connect."""
    (found,) = sockets.listening(LOOPBACK)
    with found:
        assert found.getblocking() is False
        assert found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
        assert list(sockets.not_accepted(found)) == []
        with socket.create_connection(found.getsockname()) as sender:
            (connected,) = sockets.not_accepted(found)
            with connected:
                assert connected.getpeername() == sender.getsockname()


def test_where_no_descriptor_is_left_those_who_were_accepted_are_kept() -> None:
    """Stopping goes on."""
    (found,) = sockets.listening(LOOPBACK)

    class Full:
        """A socket of a process without descriptors."""

        left = 1

        def accept(self) -> tuple[socket.socket, object]:
            """The first of two."""
            if not self.left:
                raise OSError(errno.EMFILE, "Too many open files")
            self.left -= 1
            return found.accept()

    with found, socket.create_connection(found.getsockname()):
        (connected,) = sockets.not_accepted(cast("socket.socket", Full()))
        connected.close()


def test_a_name_means_all_its_addresses_that_this_machine_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """`localhost` is ::1 too, if there is IPv6."""
    found = [(socket.AF_INET, 0, 0, "", (host, 0)) for host in ("192.0.2.1", "127.0.0.1", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    (listening,) = sockets.listening(Address(host="name", port=0))
    with listening:
        assert listening.getsockname()[0] == "127.0.0.1"
    del found[1:]
    with pytest.raises(OSError, match="assign requested address"):
        sockets.listening(Address(host="name", port=0))


def test_what_was_bound_before_a_failure_is_free_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of a name's addresses, or none."""
    with socket.create_server(("127.0.0.1", 0)) as blocker:
        port = blocker.getsockname()[1]
        found = [(socket.AF_INET, 0, 0, "", (host, port)) for host in ("127.0.0.2", "127.0.0.1")]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        with pytest.raises(OSError, match="in use"):
            sockets.listening(Address(host="name", port=port))
        socket.create_server(("127.0.0.2", port)).close()


def test_a_unix_socket_takes_the_place_of_one_that_was_left_behind(tmp_path: Path) -> None:
    """But of no other file."""
    path = tmp_path / "senders"
    for _ in range(2):
        (found,) = sockets.listening(Address(path=path))
        assert (sockets.is_at(found, Address(path=path)), sockets.place_of(found)) == (True, f"unix:{path}")
        sockets.close([found])
    path.unlink()
    path.write_text("precious")
    with pytest.raises(OSError, match="in use"):
        sockets.listening(Address(path=path))
    assert path.read_text() == "precious"


def test_a_unix_socket_that_somebody_listens_at_is_taken(tmp_path: Path) -> None:
    """Unless it is shared, as in a rolling restart."""
    address = Address(path=tmp_path / "senders")
    (old,) = sockets.listening(address)
    with old:
        with pytest.raises(OSError, match="in use"):
            sockets.listening(address)
        (asked,) = sockets.not_accepted(old)
        asked.close()
        (new,) = sockets.listening(address, reuse_port=True)
        with new, socket.socket(socket.AF_UNIX) as sender:
            sender.connect(str(address.path))
            (connected,) = sockets.not_accepted(new)
            connected.close()


def test_a_socket_knows_its_address() -> None:
    """By whatever name it is called."""
    (found,) = sockets.listening(LOOPBACK)
    with found:
        port = found.getsockname()[1]
        assert sockets.place_of(found) == f"127.0.0.1:{port}"
        for host, where, same in (
            ("127.0.0.1", port, True),
            ("localhost", port, True),
            ("127.0.0.1", port + 1 if port < 65535 else 1, False),
            ("127.0.0.2", port, False),
        ):
            assert sockets.is_at(found, Address(host=host, port=where)) is same
        assert not sockets.is_at(found, Address(path=Path("/tmp/x")))


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize(
    ("host", "told"), [("::", " (IPv6 only)"), ("0.0.0.0", " (IPv4 only)"), ("127.0.0.1", ""), ("::1", "")]
)
def test_a_wildcard_says_what_it_takes(host: str, told: str) -> None:
    """An address of one machine needs no such word."""
    found = sockets.listening(Address(host=host))
    assert sockets.taken_by(found) == told
    sockets.close(found)


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_both_wildcards_can_be_listened_at() -> None:
    """One takes what the other does not."""
    (old,) = sockets.listening(Address(host="0.0.0.0"))
    with old:
        (new,) = sockets.listening(Address(host="::", port=old.getsockname()[1]))
        new.close()


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_a_socket_of_the_service_manager_may_take_both() -> None:
    """As systemd opens it by default."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as found:
        assert sockets.taken_by([found]) == " (IPv6 and IPv4)"


@cases("environ", {}, {"LISTEN_FDS": "1"}, {"LISTEN_FDS": "1", "LISTEN_PID": "1"})
def test_what_was_opened_for_another_process_is_not_taken(environ: dict[str, str]) -> None:
    """A child inherits the variables."""
    assert sockets.handed_over(environ, os.getpid()) == []


def test_sockets_are_taken_over_by_their_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """No program that is started later gets them."""
    environ = {"LISTEN_FDS": "1", "LISTEN_PID": "7"}
    with socket.create_server(("127.0.0.1", 0)) as opened:
        number = os.dup(opened.fileno())
        os.set_inheritable(number, True)
        monkeypatch.setattr(sockets, "FIRST_HANDED", number)
        (found,) = sockets.handed_over(environ, 7)
        with found:
            assert found.getsockname() == opened.getsockname()
            assert (found.getblocking(), found.get_inheritable()) == (False, False)


@cases("count", "", "many", "-1")
def test_a_number_that_is_none_is_refused(count: str) -> None:
    """Both variables come together."""
    with pytest.raises(ValueError, match="LISTEN_FDS"):
        sockets.handed_over({"LISTEN_FDS": count, "LISTEN_PID": "7"}, 7)


def test_a_descriptor_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its number; those before it are closed."""
    with socket.create_server(("127.0.0.1", 0)) as opened:
        there = fcntl.fcntl(opened.fileno(), fcntl.F_DUPFD_CLOEXEC, 500)
        monkeypatch.setattr(sockets, "FIRST_HANDED", there)
        with pytest.raises(ValueError, match=f"descriptor {there + 1} "):
            sockets.handed_over({"LISTEN_FDS": "2", "LISTEN_PID": "7"}, 7)
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(there)


def test_an_abstract_unix_socket_has_a_name_for_people() -> None:
    """No address of a configuration means it."""
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind("\0cpi-oauth-proxy-test")
        assert sockets.place_of(opened) == "unix:@cpi-oauth-proxy-test"
        assert not sockets.is_at(opened, Address(path=Path("@cpi-oauth-proxy-test")))


@cases("kind", socket.SOCK_DGRAM, socket.SOCK_STREAM)
def test_what_nobody_can_connect_to_is_refused(kind: socket.SocketKind, monkeypatch: pytest.MonkeyPatch) -> None:
    """ListenDatagram=, or a connection (Accept=yes)."""
    with socket.socket(type=kind) as opened:
        monkeypatch.setattr(sockets, "FIRST_HANDED", opened.fileno())
        with pytest.raises(ValueError, match="ListenStream="):
            sockets.handed_over({"LISTEN_FDS": "1", "LISTEN_PID": "7"}, 7)
        opened.detach()
