"""While an upstream or a token endpoint cannot be reached, one probe at a time asks for all routes to it."""

from pathlib import Path

from tests.fakes.authorization_server import AuthorizationServer, granted, refused
from tests.fakes.loop import HandLoop
from tests.fakes.upstream import Upstream
from tests.flow.outbox import accepted, deferred, delivered, kept, outbox_document, posted, settled
from tests.flow.running import Running, Serve


async def send_some(proxy: Running, count: int, path: bytes = b"/orders") -> None:
    """Send so many messages."""
    sender = await proxy.sender()
    for number in range(count):
        await accepted(sender, posted(b"%d" % number, start=b"POST " + path))


async def test_one_probe_at_a_time_asks_for_all_routes_to_an_upstream(
    serve: Serve, authority: AuthorizationServer, tmp_path: Path, clock: HandLoop
) -> None:
    """When it arrives, everything is delivered."""
    async with Upstream() as upstream:
        port = upstream.port
    document = outbox_document(f"http://127.0.0.1:{port}", authority, tmp_path, retries=["10s", "20s", "40s"])
    document["routes"].append(document["routes"][0] | {"path": "/others"})
    proxy = await serve(document)
    await send_some(proxy, 6)
    await send_some(proxy, 6, b"/others")
    await deferred(proxy)
    await settled(proxy)
    before = len(proxy.lines.named("message.deferred"))
    assert before <= 8
    for probes, pause in enumerate((10, 20, 40, 40), start=1):
        clock.leap(pause)
        await deferred(proxy, before + probes)
        await settled(proxy)
        assert len(proxy.lines.named("message.deferred")) == before + probes
    async with Upstream(port=port) as upstream:
        clock.leap(40)
        await delivered(proxy, 12)
        assert len(upstream.requests) == 12
    assert await kept(proxy) == []


async def test_one_probe_at_a_time_asks_for_a_token(
    serve: Serve, upstream: Upstream, tmp_path: Path, clock: HandLoop
) -> None:
    """Routes with another OAuth client go on meanwhile."""
    script = (refused(401, error="invalid_client"), granted("token-1"))
    async with AuthorizationServer(*script) as authority, AuthorizationServer() as other:
        document = outbox_document(upstream, authority, tmp_path)
        document["oauth_clients"]["other"] = document["oauth_clients"]["orders"] | {"token_url": other.url}
        document["routes"].append(document["routes"][0] | {"path": "/others", "oauth_client": "other"})
        proxy = await serve(document)
        await send_some(proxy, 1)
        (line,) = await deferred(proxy)
        assert line["code"] == "grant_rejected"
        await send_some(proxy, 5)
        await send_some(proxy, 2, b"/others")
        await delivered(proxy, 2)
        await settled(proxy)
        assert (len(proxy.lines.named("message.deferred")), len(upstream.requests)) == (1, 2)
        clock.leap(60)
        await delivered(proxy, 8)
        assert await kept(proxy) == []
