"""Addresses of host names."""

import asyncio
import socket
import threading
from typing import Any

import pytest

from proxy.wire.resolver import Resolver, literal_address

PATIENCE = 30.0
TCP = socket.SOCK_STREAM


class Dns:
    """Stands in for the system's look-ups; names in `hanging` hang until they are let go."""

    def __init__(self, *hanging: str) -> None:
        self.asked: list[str] = []
        self.go = {name: threading.Event() for name in hanging}
        self._begun = {name: threading.Event() for name in hanging}

    def getaddrinfo(self, host: str, port: int | None, **_: Any) -> list[Any]:
        """As socket.getaddrinfo."""
        self.asked.append(host)
        if host in self.go:
            self._begun[host].set()
            assert self.go[host].wait(PATIENCE)
        if host == "unknown.example":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            (socket.AF_INET, TCP, 6, "", ("192.0.2.1", port or 0)),
            (socket.AF_INET6, TCP, 6, "", ("2001:db8::1", port or 0, 0, 0)),
        ]

    async def begun(self, host: str) -> None:
        """Wait until the name is looked up."""
        assert await asyncio.to_thread(self._begun[host].wait, PATIENCE)


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Dns:
    """Two names hang."""
    made = Dns("hangs.example", "too.example")
    monkeypatch.setattr(socket, "getaddrinfo", made.getaddrinfo)
    return made


async def test_a_name_has_its_addresses_with_the_port_that_was_asked_for(dns: Dns) -> None:
    """In the system's order."""
    assert await Resolver().resolve("u.example", 443) == [
        (socket.AF_INET, TCP, 6, "", ("192.0.2.1", 443)),
        (socket.AF_INET6, TCP, 6, "", ("2001:db8::1", 443, 0, 0)),
    ]
    assert dns.asked == ["u.example"]


async def test_one_look_up_serves_all_who_wait_whatever_their_port(dns: Dns) -> None:
    """Whoever leaves early leaves alone; who comes later asks anew."""
    resolver = Resolver()
    waiting = [asyncio.create_task(resolver.resolve("hangs.example", port)) for port in range(20)]
    await dns.begun("hangs.example")
    waiting[0].cancel()
    dns.go["hangs.example"].set()
    found = await asyncio.gather(*waiting[1:])
    assert [each[0][4][1] for each in found] == list(range(1, 20))
    assert dns.asked == ["hangs.example"]
    await resolver.resolve("hangs.example", 1)
    assert dns.asked == ["hangs.example"] * 2


async def test_names_that_hang_hold_up_no_other_name(dns: Dns) -> None:
    """However many wait for them."""
    resolver = Resolver()
    waiting = [
        asyncio.create_task(resolver.resolve(name, port))
        for name in ("hangs.example", "too.example")
        for port in (1, 2)
    ]
    await dns.begun("hangs.example")
    await dns.begun("too.example")
    assert (resolver.looks_up("hangs.example"), resolver.looks_up("u.example")) == (True, False)
    async with asyncio.timeout(PATIENCE):
        for number in range(20):
            assert await resolver.resolve(f"u{number}.example", 1)
    assert not any(each.done() for each in waiting)
    for each in dns.go.values():
        each.set()
    await asyncio.gather(*waiting)


async def test_a_look_up_that_takes_too_long_fails_for_all_and_is_tried_again(dns: Dns) -> None:
    """As if the system had given up; the name may be resolved the next time."""
    resolver = Resolver(limit=0.01)
    failures = await asyncio.gather(*(resolver.resolve("hangs.example", 1) for _ in range(2)), return_exceptions=True)
    assert [(type(each), each.args[0]) for each in failures if isinstance(each, OSError)] == [
        (socket.gaierror, socket.EAI_AGAIN)
    ] * 2
    hanging, dns.go = dns.go, {}
    patient = Resolver()
    patient._threads = resolver._threads
    assert await patient.resolve("hangs.example", 1)
    hanging["hangs.example"].set()


async def test_a_failure_is_everybodys(dns: Dns) -> None:
    """And nobody's, if nobody waits any more."""
    with pytest.raises(socket.gaierror, match="Name or service not known"):
        await Resolver().resolve("unknown.example", 1)
    assert dns.asked == ["unknown.example"]


@pytest.mark.parametrize(
    ("host", "family", "where"),
    [
        ("127.0.0.1", socket.AF_INET, ("127.0.0.1", 8)),
        ("::1", socket.AF_INET6, ("::1", 8, 0, 0)),
        ("fe80::1%7", socket.AF_INET6, ("fe80::1", 8, 0, 7)),
        ("fe80::1%lo", socket.AF_INET6, ("fe80::1", 8, 0, socket.if_nametoindex("lo"))),
    ],
)
async def test_a_literal_is_not_looked_up(host: str, family: int, where: tuple[Any, ...], dns: Dns) -> None:
    """It says itself where it is."""
    assert await Resolver().resolve(host, 8) == [(family, TCP, socket.IPPROTO_TCP, "", where)]
    assert dns.asked == []


def test_a_name_is_no_literal() -> None:
    """Nor is what only some systems read as an address."""
    assert [literal_address(name, 1) for name in ("u.example", "localhost", "127.1", "1.2.3.4.", "")] == [None] * 5
