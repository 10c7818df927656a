"""With `grant_at_start` the first token is requested at the start, and readiness waits for the outcome."""

import asyncio

from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.upstream import Upstream
from tests.flow.running import POST, Orders, Running, Serve, document, soon

AT_START = {"grant_at_start": True}
WAITING = (503, "OAuth client orders waits for its first token\n")
READY = (200, "ready\n")


async def held_back(orders: Orders, authority: AuthorizationServer) -> Running:
    """The first grant has no answer yet."""
    authority.hold = asyncio.Event()
    proxy = await orders(client=AT_START)
    await soon(authority.arrived.wait())
    return proxy


async def test_readiness_waits_for_the_first_token(orders: Orders, authority: AuthorizationServer) -> None:
    """The first message uses that token."""
    proxy = await held_back(orders, authority)
    assert await proxy.ask_admin("/readyz") == WAITING
    assert authority.hold
    authority.hold.set()
    await proxy.lines.reach("token.granted", 1)
    assert await proxy.ask_admin("/readyz") == READY
    assert (await proxy.ask(POST)).status == 200
    assert (await proxy.record())["token"] == "cached"
    assert len(authority.requests) == 1


async def test_a_wrong_secret_is_logged_before_the_first_message(
    serve: Serve, upstream: Upstream, refusing: AuthorizationServer
) -> None:
    """Readiness names the OAuth client."""
    proxy = await serve(document(upstream, refusing, client=AT_START))
    (line,) = await proxy.lines.reach("token.grant_failed", 1)
    assert (line["oauth_client"], line["code"]) == ("orders", "grant_rejected")
    blocked = (503, "OAuth client orders has no token and cannot get one\n")
    assert await proxy.ask_admin("/readyz") == blocked
    assert upstream.requests == []


async def test_a_client_that_a_reload_adds_gets_its_token_at_once(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """The tokens of the others stay."""
    before = document(upstream, authority, client=AT_START)
    proxy = await serve(before)
    await proxy.lines.reach("token.granted", 1)
    added = before["oauth_clients"]["orders"] | {"client_id": "added"}
    await proxy.reload(before | {"oauth_clients": before["oauth_clients"] | {"added": added}})
    lines = await proxy.lines.reach("token.granted", 2)
    assert [line["oauth_client"] for line in lines] == ["orders", "added"]


async def test_a_reload_can_ask_for_the_first_token(
    plain: Running, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """Its OAuth client was not used before."""
    assert await plain.ask_admin("/readyz") == READY
    await plain.reload(document(upstream, authority, client=AT_START))
    await plain.lines.reach("token.granted", 1)
    assert len(authority.requests) == 1
