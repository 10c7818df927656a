"""How a pool finds the addresses of its upstream, and of the corporate proxy on the way."""

import asyncio
from collections.abc import Iterator

import pytest

from proxy.config.egress import CorporateProxy
from proxy.errors import ConnectTimeout, Draining
from proxy.upstream.origin import UpstreamOrigin
from proxy.upstream.pool import Pool
from proxy.wire.resolver import Resolver
from tests.fakes.dns import Dns, faked
from tests.fakes.heads import RESPONSES
from tests.fakes.loop import HandLoop
from tests.unit.upstream.serving import ask, pool, upstream


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dns]:
    """Knows all names."""
    with faked(monkeypatch) as made:
        yield made


def pool_of(origin: UpstreamOrigin, resolver: Resolver) -> Pool:
    """One that shares the resolver."""
    return Pool(origin, HandLoop(monotonic=0.0).deadlines(), reader=RESPONSES, idle_timeout=30, resolver=resolver)


async def test_a_name_is_looked_up_and_a_literal_is_not(dns: Dns) -> None:
    """Both are reached."""
    for host in ("127.0.0.1", "u.example"):
        async with upstream() as (_, port), pool(port, host=host) as (ours, _):
            assert await ask(await ours.connect(10)) == b"ok"
    assert dns.asked == ["u.example"]


async def test_connections_that_wait_for_one_name_share_the_look_up(dns: Dns) -> None:
    """Those of several pools too."""
    dns.hang("u.example")
    resolver = Resolver()
    async with upstream() as (_, port):
        pools = [pool_of(UpstreamOrigin(host="u.example", port=port, tls=None), resolver) for _ in range(2)]
        waiting = [each.connect(10) for each in pools for _ in range(2)]
        await dns.begun("u.example")
        dns.answer()
        assert [await ask(await each) for each in waiting] == [b"ok"] * 4
        for each in pools:
            await each.close()
    assert dns.asked == ["u.example"]


@pytest.mark.parametrize(
    "proxy", [None, CorporateProxy(url="http://p.example:3128")], ids=["direct", "through a proxy"]
)
async def test_a_name_that_hangs_is_a_timeout_that_names_dns(proxy: CorporateProxy | None, dns: Dns) -> None:
    """It is the proxy's name where there is one."""
    name = "p.example" if proxy else "u.example"
    dns.hang(name)
    ours = pool_of(UpstreamOrigin(host="u.example", port=1, tls=None, proxy=proxy), Resolver())
    with pytest.raises(ConnectTimeout, match=rf"The name .*{name}.* was not resolved within 0\.01 s; check DNS"):
        await ours.connect(0.01)
    with pytest.raises(ConnectTimeout) as raised:
        await ours.connect(0.01)
    assert (raised.value.error_type, dns.asked) == ("dns_timeout", [name])
    await ours.close()


async def test_a_pool_is_closed_although_a_name_hangs_and_connects_no_more(dns: Dns) -> None:
    """Whoever waits is let go."""
    dns.hang("u.example")
    ours = pool_of(UpstreamOrigin(host="u.example", port=1, tls=None), Resolver())
    waiting = ours.connect(600)
    await dns.begun("u.example")
    async with asyncio.timeout(30):
        await ours.close()
    assert waiting.cancelled()
    with pytest.raises(Draining, match="before it had a connection"):
        await ours.connect(10)
