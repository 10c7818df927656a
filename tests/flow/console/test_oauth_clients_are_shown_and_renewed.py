"""OAuth clients show state and claims of tokens, never tokens, and renew them."""

import asyncio
import time
from pathlib import Path

import jwt

from tests.fakes.authority import Authority
from tests.fakes.authorization_server import AuthorizationServer, granted, refused
from tests.fakes.sender import request
from tests.fakes.upstream import Upstream
from tests.flow.console.conftest import OpenPage
from tests.flow.console.page import Page
from tests.flow.running import document, until

POST = request(b"POST /orders", body=b"<order/>")
SECRET = "s3cr3t" * 8


async def test_a_client_without_a_token_has_none(page: Page, authority: AuthorizationServer) -> None:
    """Until a message needs it."""
    (client,) = (await page.get("clients"))["clients"]
    assert client == {
        "name": "orders",
        "provider": "generic",
        "token_url": authority.url,
        "client_id": "id",
        "auth_method": "client_secret_basic",
        "state": "none",
        "obtained_at": None,
        "fresh_until": None,
        "expires_at": None,
        "failure": None,
        "claims": None,
        "certificates": [],
    }


async def test_claims_are_shown_without_the_token(open_page: OpenPage, upstream: Upstream) -> None:
    """Nor the signature; opaque tokens have none."""
    token = jwt.encode({"sub": "me", "scope": ["a"]}, SECRET, algorithm="HS256")
    async with AuthorizationServer(granted(token, expires_in=600), granted("0paque-t0ken")) as authority:
        page = await open_page(document(upstream, authority))
        await page.proxy.ask(POST)
        answered = await page.open("clients")
        assert token.rpartition(".")[2] not in await answered.text()
        (client,) = (await answered.json())["clients"]
        assert (client["state"], client["claims"]) == ("fresh", {"sub": "me", "scope": ["a"]})
        assert client["expires_at"] == client["obtained_at"] + 600
        status, client = await page.ask("clients/orders/renew", "POST")
        assert (status, client["claims"], "0paque" in str(client)) == (200, None, False)


async def test_renewing_makes_one_grant(page: Page, authority: AuthorizationServer, upstream: Upstream) -> None:
    """However often it is asked for at once; messages use the new token."""
    await page.proxy.ask(POST)
    authority.hold, source = asyncio.Event(), page.proxy.app.state().sources["orders"]
    asked = [asyncio.ensure_future(page.ask("clients/orders/renew", "POST")) for _ in range(5)]
    await until(lambda: "5 waiting" in repr(source))
    authority.hold.set()
    assert {status for status, _ in await asyncio.gather(*asked)} == {200}
    assert len(authority.requests) == 2
    await page.proxy.ask(POST)
    assert [each.field(b"Authorization") for each in upstream.requests] == [[b"Bearer token-1"], [b"Bearer token-2"]]


async def test_renewing_asks_during_the_pause_after_a_failure_too(open_page: OpenPage, upstream: Upstream) -> None:
    """A message would not ask yet."""
    script = refused(401, error="invalid_client"), refused(401, error="invalid_client"), granted("t0ken-9")
    async with AuthorizationServer(*script) as authority:
        page = await open_page(document(upstream, authority))
        assert (await page.proxy.ask(POST)).status == 502
        (client,) = (await page.get("clients"))["clients"]
        assert client["state"] == "blocked"
        assert client["failure"]["code"] == "grant_rejected"
        assert client["failure"]["until"] > page.proxy.clock.wall()
        status, content = await page.ask("clients/orders/renew", "POST")
        assert (status, content["title"]) == (502, "The authorization server refused the grant")
        assert "client" in content["detail"]
        status, client = await page.ask("clients/orders/renew", "POST")
        assert (status, client["state"], client["failure"]) == (200, "fresh", None)
        assert len(authority.requests) == 3


async def test_certificates_have_their_ends(
    open_page: OpenPage, upstream: Upstream, authority: AuthorizationServer, issuer: Authority
) -> None:
    """And files; an unreadable one has none, and is logged."""
    pair = issuer.listener()
    page = await open_page(document(upstream, authority, client={"tls": pair}))
    shown = (await page.get("clients"))["clients"][0]["certificates"]
    assert {each["file"] for each in shown} == {pair["cert_file"]}
    assert shown[0]["ends_at"] > time.time()
    assert shown[0]["subject"].startswith("OU=Testing cert")
    Path(pair["cert_file"]).write_text("none")
    assert (await page.get("clients"))["clients"][0]["certificates"] == []
