"""Listening sockets: bound here, or handed over by the service manager (sd_listen_fds(3))."""

import errno
import os
import socket
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from proxy.config.model import Address

BACKLOG = 1024
"Connections that may wait to be accepted."
FIRST_HANDED = 3
"Descriptor of the first socket that is handed over."
_ACCEPTS = (socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
_FAMILIES = frozenset({socket.AF_INET, socket.AF_INET6, socket.AF_UNIX})
_NOT_HERE = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})


def listening(address: Address, *, reuse_port: bool = False) -> list[socket.socket]:
    """Returns a socket for each address of the host. Raises OSError if none is available, or one is in use."""
    if address.path is not None:
        return [_listening_at(address.path, shared=reuse_port)]
    sockets: list[socket.socket] = []
    absent: OSError | None = None
    for family, where in _resolved(address):
        try:
            sockets.append(socket.create_server(where, family=family, backlog=BACKLOG, reuse_port=reuse_port))
        except OSError as error:
            absent = error
            if error.errno not in _NOT_HERE:  # `localhost` means ::1 also where there is no IPv6
                close(sockets)
                raise
    if absent is not None and not sockets:
        raise absent
    return [non_blocking(each) for each in sockets]


def handed_over(environ: Mapping[str, str], process: int) -> list[socket.socket]:
    """Returns the sockets that were opened for this process. Raises ValueError if one is not a listening socket."""
    if environ.get("LISTEN_PID") != str(process):
        return []
    count = environ.get("LISTEN_FDS", "")
    if not count.isdecimal():
        raise ValueError(f"LISTEN_FDS is {count!r}, and LISTEN_PID is this process: it must be a number of sockets")
    sockets: list[socket.socket] = []
    try:
        for number in range(FIRST_HANDED, FIRST_HANDED + int(count)):
            sockets += [accepting(number)]
    except ValueError:
        close(sockets)
        raise
    return sockets


def accepting(number: int) -> socket.socket:
    """Returns the listening stream socket with this descriptor, of IP or Unix. Raises ValueError if it is not one."""
    found = None
    with suppress(OSError):  # closed, or no socket at all
        found = socket.socket(fileno=number)
        if found.family in _FAMILIES and found.type == socket.SOCK_STREAM and found.getsockopt(*_ACCEPTS):
            found.set_inheritable(False)
            return non_blocking(found)
    if found is not None:
        found.close()
    raise ValueError(f"descriptor {number} is not a listening stream socket; use ListenStream= for it")


def is_at(found: socket.socket, address: Address) -> bool:
    """Whether the socket listens at this address; looks up host names."""
    where = found.getsockname()
    if address.path is not None or not isinstance(where, tuple):
        return isinstance(where, str) and address.path == Path(where)
    return any(where[:2] == resolved[:2] for _, resolved in _resolved(address))


def taken_by(found: Iterable[socket.socket]) -> str:
    """Returns which IP versions a wildcard address accepts, for messages; empty for other addresses.

    What we bind to [::] accepts IPv6 only, on every system. A socket that is handed over may accept both (ipv6(7)).
    """
    for each in found:
        if each.family == socket.AF_INET6 and each.getsockname()[0] == "::":
            alone = each.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
            return " (IPv6 only)" if alone else " (IPv6 and IPv4)"
        if each.family == socket.AF_INET and each.getsockname()[0] == "0.0.0.0":
            return " (IPv4 only)"
    return ""


def place_of(found: socket.socket) -> str:
    """Returns the address of a socket, for messages."""
    where = found.getsockname()
    if isinstance(where, bytes):  # abstract (unix(7))
        return "unix:@" + where[1:].decode(errors="replace")
    return str(Address(host=where[0], port=where[1]) if isinstance(where, tuple) else Address(path=Path(where)))


def non_blocking(found: socket.socket) -> socket.socket:
    """Makes the socket non-blocking, as the event loop needs it."""
    found.setblocking(False)
    return found


def not_accepted(found: socket.socket) -> Iterator[socket.socket]:
    """Yields connections that are not accepted yet, as far as there are descriptors."""
    with suppress(OSError):  # BlockingIOError: no more; EMFILE: no more descriptors
        while True:
            connected, _ = found.accept()
            yield non_blocking(connected)


def close(sockets: list[socket.socket]) -> None:
    """Closes the sockets."""
    for each in sockets:
        each.close()


@contextmanager
def named(option: str, address: Address) -> Iterator[None]:
    """Names the option and the address in an OSError."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        raise OSError(
            f"`{option}` {address}: {reason}; stop the program that uses it, or choose another address"
        ) from error


def _listening_at(path: Path, *, shared: bool) -> socket.socket:
    """Listens at a path; replaces a shared socket, and one that an ended process left behind."""
    with suppress(FileNotFoundError):
        if stat.S_ISSOCK(path.stat().st_mode) and (shared or _left_behind(path)):
            path.unlink()
    found = socket.socket(socket.AF_UNIX)
    try:
        found.bind(str(path))
        found.listen(BACKLOG)
    except OSError:
        found.close()
        raise
    return non_blocking(found)


def _left_behind(path: Path) -> bool:
    """Whether no process listens at the socket any more."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        return probe.connect_ex(str(path)) == errno.ECONNREFUSED


def _resolved(address: Address) -> list[tuple[socket.AddressFamily, tuple[str, int]]]:
    """Returns family and address, each once. Raises OSError if the name cannot be resolved."""
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((family, (str(where[0]), int(where[1]))) for family, _, _, _, where in found))
