"""Finds the addresses of host names: one look-up at a time for a name, shared by all who wait for it.

Look-ups are the system's (getaddrinfo), which can hang for as long as a DNS server is silent. Each name has daemon
threads of its own, so that a name that hangs holds up no other.
"""

import asyncio
import ipaddress
import socket
from functools import partial
from typing import Any

from proxy.threads import DaemonThreads

LIMIT = 30.0
"Seconds for one look-up, however many exchanges wait for it; glibc gives up after 10 s for each of its servers."
MOST_HANGING = 4
"Look-ups of one name that may still hang after their time is over."

SocketAddress = tuple[Any, ...]
"As `connect` takes it: (host, port), with IPv6 two numbers more."
Found = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]
"As getaddrinfo returns it."


class Resolver:
    """Look-ups of one event loop."""

    def __init__(self, limit: float = LIMIT) -> None:
        self._limit = limit
        self._threads: dict[str, DaemonThreads] = {}
        self._pending: dict[str, asyncio.Future[list[Found]]] = {}

    def looks_up(self, host: str) -> bool:
        """Whether a look-up of the name is running."""
        return host in self._pending

    async def resolve(self, host: str, port: int) -> list[Found]:
        """Returns the addresses to connect to. An IP literal is not looked up.

        Raises OSError (gaierror) or UnicodeError if the name cannot be resolved.
        """
        if (literal := literal_address(host, port)) is not None:
            return [literal]
        pending = self._pending.get(host) or self._begin(host)
        await asyncio.wait([pending])  # cancelling one caller does not cancel the look-up
        found = found_of(pending, host)
        return [(family, kind, proto, name, (at[0], port, *at[2:])) for family, kind, proto, name, at in found]

    def _begin(self, host: str) -> "asyncio.Future[list[Found]]":
        threads = self._threads.setdefault(host, DaemonThreads("resolver", most=MOST_HANGING))
        pending = self._pending[host] = threads.submit(partial(look_up, host), timeout=self._limit)
        pending.add_done_callback(partial(self._ended, host))
        return pending

    def _ended(self, host: str, pending: "asyncio.Future[list[Found]]") -> None:
        del self._pending[host]
        pending.exception()  # marks it as retrieved, in case no caller is left


def look_up(host: str) -> list[Found]:
    """Returns what the system finds, with port 0. Blocks."""
    return list(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))


def found_of(pending: "asyncio.Future[list[Found]]", host: str) -> list[Found]:
    """Returns the result; a timeout raises the same error as the system's own."""
    try:
        return pending.result()
    except TimeoutError as error:
        raise socket.gaierror(socket.EAI_AGAIN, f"no answer about {host} in time") from error


def literal_address(host: str, port: int) -> Found | None:
    """Returns the address of an IP literal; None for a name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port)
    plain, _, zone = host.partition("%")
    scope = 0 if not zone else int(zone) if zone.isdecimal() else socket.if_nametoindex(zone)
    return socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (plain, port, 0, scope)
