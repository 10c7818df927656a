"""Addresses of host names."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from proxy.wire.resolver import Resolver, literal_address
from tests.fakes.dns import PATIENCE, Dns, faked

TCP = socket.SOCK_STREAM


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dns]:
    """Knows all names."""
    with faked(monkeypatch) as made:
        yield made


async def test_a_name_has_all_its_addresses_with_the_port_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the system's order."""
    found = [(socket.AF_INET6, TCP, 6, "", ("2001:db8::1", 0, 0, 3)), (socket.AF_INET, TCP, 6, "", ("192.0.2.1", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert await Resolver().resolve("u.example", 443) == [
        (socket.AF_INET6, TCP, 6, "", ("2001:db8::1", 443, 0, 3)),
        (socket.AF_INET, TCP, 6, "", ("192.0.2.1", 443)),
    ]


async def test_one_look_up_serves_all_who_wait_whatever_their_port(dns: Dns) -> None:
    """Whoever comes later asks anew."""
    dns.hang("u.example")
    resolver = Resolver()
    waiting = [asyncio.create_task(resolver.resolve("u.example", port)) for port in range(20)]
    await dns.begun("u.example")
    waiting[0].cancel()
    dns.answer()
    found = await asyncio.gather(*waiting[1:])
    assert [each[0][4][1] for each in found] == list(range(1, 20))
    assert dns.asked == ["u.example"]
    await resolver.resolve("u.example", 1)
    assert dns.asked == ["u.example"] * 2


async def test_names_that_hang_hold_up_no_other_name(dns: Dns) -> None:
    """However many wait."""
    names = [f"hangs{number}.example" for number in range(20)]
    dns.hang(*names)
    resolver = Resolver()
    waiting = [asyncio.create_task(resolver.resolve(name, port)) for name in names for port in (1, 2)]
    for name in names:
        await dns.begun(name)
    assert (resolver.looks_up(names[0]), resolver.looks_up("u.example")) == (True, False)
    async with asyncio.timeout(PATIENCE):
        assert await resolver.resolve("u.example", 1)
    assert not any(each.done() for each in waiting)
    dns.answer()
    await asyncio.gather(*waiting)


async def test_a_look_up_that_takes_too_long_fails_for_all_and_is_made_again(dns: Dns) -> None:
    """What answers the next time is found."""
    dns.hang("u.example")
    resolver = Resolver(limit=0.01)
    failures = await asyncio.gather(*(resolver.resolve("u.example", 1) for _ in range(2)), return_exceptions=True)
    told = [(type(each), each.args[0]) for each in failures if isinstance(each, Exception)]
    assert told == [(socket.gaierror, socket.EAI_AGAIN)] * 2
    assert not resolver.looks_up("u.example")
    resolver._limit = PATIENCE
    again = asyncio.create_task(resolver.resolve("u.example", 1))
    await dns.begun("u.example", 2)
    dns.answer()
    assert (await again)[0][4] == ("127.0.0.1", 1)


async def test_a_name_that_hangs_for_ever_takes_few_threads(dns: Dns) -> None:
    """Whoever asks later waits for one of those."""
    dns.hang("u.example")
    resolver = Resolver(limit=0.01)
    for _ in range(10):
        with pytest.raises(socket.gaierror):
            await resolver.resolve("u.example", 1)
    assert len(dns.asked) <= 4


async def test_a_name_that_is_unknown_is_told_as_the_system_tells_it(dns: Dns) -> None:
    """A failure is remembered by nobody."""
    resolver = Resolver()
    for _ in range(2):
        with pytest.raises(socket.gaierror, match="Name or service not known"):
            await resolver.resolve("u.invalid", 1)
    assert dns.asked == ["u.invalid"] * 2


@pytest.mark.parametrize(
    ("host", "family", "where"),
    [
        ("127.0.0.1", socket.AF_INET, ("127.0.0.1", 8)),
        ("::1", socket.AF_INET6, ("::1", 8, 0, 0)),
        ("fe80::1%7", socket.AF_INET6, ("fe80::1", 8, 0, 7)),
        ("fe80::1%lo", socket.AF_INET6, ("fe80::1", 8, 0, 1)),
    ],
)
async def test_a_literal_is_not_looked_up(
    host: str, family: int, where: tuple[Any, ...], dns: Dns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says itself where it is."""
    monkeypatch.setattr(socket, "if_nametoindex", {"lo": 1}.__getitem__)
    assert await Resolver().resolve(host, 8) == [(family, TCP, socket.IPPROTO_TCP, "", where)]
    assert dns.asked == []


def test_a_name_is_no_literal() -> None:
    """Nor is an odd spelling."""
    assert [literal_address(name, 1) for name in ("u.example", "localhost", "127.1", "1.2.3.4.", "")] == [None] * 5
