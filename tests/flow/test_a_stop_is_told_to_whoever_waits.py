"""A stop meets whoever waits for a connection, or has not sent all of its request: 503 `draining`, never a reset."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator

import pytest

from proxy.server.request_parser import IN_HEAD
from tests.cases import cases
from tests.fakes.dns import Dns, faked
from tests.fakes.sender import Answer, Sender, request
from tests.fakes.timeouts import count_all_cancellations
from tests.fakes.upstream import Line, Upstream, answer, hang
from tests.flow.running import POST, Document, Orders, Running, soon, until

NAME = "u.example"


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dns]:
    """Knows all names."""
    with faked(monkeypatch) as made:
        yield made


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that does not accept."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield int(listening.getsockname()[1])


@pytest.fixture
def full() -> Iterator[int]:
    """The port of a server where connections hang."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening:
        where = listening.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for each in fillers:
            each.setblocking(False)
            each.connect_ex(where)
        yield int(where[1])
        for each in fillers:
            each.close()


async def draining(proxy: Running, sender: Sender) -> Answer:
    """What the sender is told by a stop."""
    await soon(proxy.app.stop())
    told = await sender.answer()
    assert told.refusal == (503, "draining")
    return told


async def is_told(proxy: Running, waits: Callable[[], Awaitable[object]]) -> None:
    """A message that waits, and a stop meanwhile."""
    sender = await proxy.begin()
    await waits()
    told = await draining(proxy, sender)
    assert told.field(b"Connection") == [b"close"]
    assert told.field(b"Retry-After") == [b"1"]
    assert "before it had a connection" in told.problem["detail"]
    assert proxy.lines.named("exchange.crashed") == []
    record = await proxy.record()
    assert (record["status"], record["made_by"], record["code"]) == (503, "proxy", "draining")


@cases("scheme, server", ("http", "full"), ("https", "full"), ("https", "silent"))
async def test_who_waits_for_tcp_or_tls(orders: Orders, full: int, silent: int, scheme: str, server: str) -> None:
    """As where a firewall drops what we send, or of a server that says nothing."""
    proxy = await orders({"drain_timeout": 0}, upstream=f"{scheme}://127.0.0.1:{full if server == 'full' else silent}")
    await is_told(proxy, lambda: until(lambda: any(pool._connecting for pool in proxy.app.pools)))


async def test_who_waits_for_a_corporate_proxy(orders: Orders, upstream: Upstream) -> None:
    """CONNECT is not answered."""
    upstream.follow(hang)
    proxy = await orders({"drain_timeout": 0}, upstream="https://u.example", proxy_url=upstream.url)
    await is_told(proxy, lambda: upstream.reach(1))


async def test_who_waits_for_dns(orders: Orders, dns: Dns) -> None:
    """The look-up goes on, and nobody waits for it."""
    dns.hang(NAME)
    proxy = await orders({"drain_timeout": 0}, upstream=f"http://{NAME}", insecure=True)
    await is_told(proxy, lambda: dns.begun(NAME))


CLOSE = b"Connection: close"


@cases(
    "script, looks",
    {
        "the CSRF handshake's": ([answer(403, b"X-CSRF-Token: Required")], 2),
        "the replay's after it": (
            [answer(403, b"X-CSRF-Token: Required", CLOSE), answer(200, b"X-CSRF-Token: NONCE", CLOSE)],
            3,
        ),
        "the replay's after a refused token": ([answer(401, CLOSE)], 2),
    },
)
async def test_who_waits_for_a_further_connection(
    script: list[Line], looks: int, orders: Orders, upstream: Upstream, dns: Dns
) -> None:
    """The first attempt had one."""
    ends = [answer(200, CLOSE)]
    upstream.follow(*ends, *script)
    url = f"http://{NAME}:{upstream.port}"
    proxy = await orders({"drain_timeout": 0}, upstream=url, insecure=True)
    first = await proxy.sender()
    assert (await first.ask(POST)).status == 200
    first.leave()
    await until(lambda: len(proxy.app.senders) == 0)
    proxy.clock.advance(60)  # the token is old enough to be renewed
    dns.hang_at(NAME, 1 + looks)
    await is_told(proxy, lambda: dns.begun(NAME, 1 + looks))


@cases(
    "options",
    {
        "buffered": {},
        "streamed": {"buffer": 0},
        "spooled": {"buffer": "1KiB", "spool": "1MiB"},
        "bounded": {"max_concurrency": 1},
    },
)
async def test_who_is_in_the_middle_of_a_body(options: Document, orders: Orders, upstream: Upstream) -> None:
    """It looks cut at the upstream."""
    proxy = await orders({"drain_timeout": 0}, **options)
    sender = await proxy.begin(request(b"POST /orders", body=b"x" * 9000)[:-1])
    await until(lambda: any(each.busy and each._body and each._body.received == 8999 for each in proxy.app.senders))
    if options == {"buffer": 0}:
        await upstream.reach(1)
    told = await draining(proxy, sender)
    assert told.field(b"Connection") == [b"close"]
    assert all(len(each.body) < 9000 for each in upstream.requests)
    assert proxy.lines.named("exchange.crashed") == []


async def test_who_is_in_the_middle_of_a_head(orders: Orders) -> None:
    """It may have a message to send."""
    proxy = await orders({"drain_timeout": 0})
    sender = await proxy.begin(POST[:20])
    await until(lambda: any(each._parser.phase is IN_HEAD for each in proxy.app.senders))
    await draining(proxy, sender)


async def test_who_waits_for_a_token(orders: Orders) -> None:
    """Of an authorization server that says nothing."""
    async with Upstream(hang) as silent:
        proxy = await orders({"drain_timeout": 0}, authority=f"{silent.url}/t")
        sender = await proxy.begin()
        await silent.reach(1)
        told = await draining(proxy, sender)
    assert told.field(b"Retry-After") == [b"1"]


async def test_who_waits_for_the_answer_to_a_csrf_fetch(orders: Orders, upstream: Upstream) -> None:
    """It does not know of CSRF tokens."""
    upstream.follow(answer(403, b"X-CSRF-Token: Required"), hang)
    proxy = await orders({"drain_timeout": 0})
    sender = await proxy.begin()
    await upstream.reach(2)
    await asyncio.sleep(0)
    await draining(proxy, sender)


async def test_a_stop_after_an_interrupt_is_a_whole_one(orders: Orders, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exchanges and connections end all the same."""
    count_all_cancellations(monkeypatch)
    async with Upstream(hang) as upstream:
        proxy = await orders({"drain_timeout": 0}, upstream=upstream)
        sender = await proxy.begin()
        await upstream.reach(1)

        async def interrupted() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await proxy.app.stop()

        command = asyncio.ensure_future(interrupted())
        await asyncio.sleep(0)
        command.cancel()
        await soon(asyncio.wait([command]))
        told = await sender.answer()
        assert told.refusal == (503, "draining")
        assert proxy.app._resources.grant_session._http is None
