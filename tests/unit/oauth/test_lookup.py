"""Names of token endpoints, as aiohttp wants their addresses."""

import socket
from collections.abc import Iterator

import pytest

from proxy.oauth.endpoint import TokenEndpoint
from proxy.oauth.lookup import GrantResolver, textual
from proxy.wire.resolver import Resolver
from tests.fakes.authorization_server import AuthorizationServer, granted
from tests.fakes.dns import Dns, faked
from tests.unit.oauth.registrations import registration
from tests.unit.oauth.sending import failure_of, send


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dns]:
    """Knows all names."""
    with faked(monkeypatch) as made:
        yield made


async def test_an_address_has_what_the_connector_asks_for(dns: Dns) -> None:
    """It is not looked up again."""
    resolver = GrantResolver(Resolver())
    numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    assert await resolver.resolve("as.example", 443) == [
        {"hostname": "as.example", "host": "127.0.0.1", "port": 443, "family": 2, "proto": 6, "flags": numeric}
    ]
    await resolver.close()
    assert dns.asked == ["as.example"]


def test_a_link_local_address_keeps_its_zone() -> None:
    """Without it nobody knows which link (RFC 4007 §6)."""
    assert textual(("fe80::1", 443, 0, 7)) == "fe80::1%7"
    assert textual(("2001:db8::1", 443, 0, 0)) == "2001:db8::1"


async def test_a_token_endpoint_is_reached_by_name(endpoint: TokenEndpoint, dns: Dns) -> None:
    """Each grant asks for the name again."""
    async with AuthorizationServer(granted(), granted()) as server:
        client = registration(token_url=f"http://as.example:{server.port}/t")
        assert [(await send(endpoint, client)).status for _ in range(2)] == [200, 200]
    assert dns.asked == ["as.example"] * 2


async def test_a_name_that_hangs_is_named_and_holds_up_no_other(endpoint: TokenEndpoint, dns: Dns) -> None:
    """The sentence tells DNS from a server that does not answer; a literal is not looked up."""
    dns.hang("hangs.example")
    failure = await failure_of(endpoint, registration(token_url="http://hangs.example/t", timeout=0.01))
    assert failure.code == "grant_timeout"
    assert failure.detail.endswith("(the name hangs.example was not resolved within 0.01 s): check DNS.")
    async with AuthorizationServer(granted(), granted()) as server:
        for host in ("127.0.0.1", "as.example"):
            assert (await send(endpoint, registration(token_url=f"http://{host}:{server.port}/t"))).status == 200
    assert dns.asked == ["hangs.example", "as.example"]
