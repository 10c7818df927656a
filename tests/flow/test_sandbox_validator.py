"""SAP's own validator, sap-xssec, accepts the sandbox's tokens, and refuses those that it should."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, TCPConnector
from sap import xssec

from proxy.sandbox.tenant import Tenant

APPLICATION = "it-rt-sandbox!b5678"


class PastClock:
    """A clock that is two hours slow."""

    def monotonic(self) -> float:
        """Seconds."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since the epoch, two hours ago."""
        return time.time() - 7200


@pytest.fixture(params=["now"])
async def tenant(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Tenant]:
    """A running sandbox that the validator trusts."""
    async with Tenant(clock=PastClock() if request.param == "past" else None) as started:
        await asyncio.to_thread(started.write, tmp_path)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        yield started


async def grant(tenant: Tenant) -> str:
    """An XSUAA token."""
    form = {
        "grant_type": "client_credentials",
        "client_id": tenant.btp_client.client_id,
        "client_secret": tenant.btp_client.secret,
    }
    async with (
        ClientSession(connector=TCPConnector(ssl=tenant.client_context())) as session,
        session.post(tenant.xsuaa_token_url, data=form) as answer,
    ):
        token: str = (await answer.json())["access_token"]
        return token


async def validate(tenant: Tenant, token: str, *, client_id: str, application: str) -> xssec.SecurityContextXSUAA:
    """A security context for an application; the validator blocks, so it has a thread of its own."""
    credentials = {
        "clientid": client_id,
        "clientsecret": "-",
        "url": tenant.addresses.xsuaa_url,
        "uaadomain": f"127.0.0.1:{tenant.addresses.xsuaa}",
        "xsappname": application,
    }
    return await asyncio.to_thread(xssec.create_security_context_xsuaa, token, credentials)


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcfromtimestamp:DeprecationWarning")
async def test_a_token_is_accepted_and_has_the_role(tenant: Tenant) -> None:
    """By the client itself, and by the application that defines the role."""
    token = await grant(tenant)
    for client_id in (tenant.btp_client.client_id, "sb-other"):
        context = await validate(tenant, token, client_id=client_id, application=APPLICATION)
        assert context.check_local_scope("ESBMessaging.send") is True
        assert context.check_local_scope("ESBMessaging.other") is False
        assert context.get_clientid() == tenant.btp_client.client_id
        assert context.get_grant_type() == "client_credentials"


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcfromtimestamp:DeprecationWarning")
async def test_a_token_for_another_audience_is_refused(tenant: Tenant) -> None:
    """It is good, but not for that application."""
    with pytest.raises(RuntimeError, match="Audience Validation Failed"):
        await validate(tenant, await grant(tenant), client_id="sb-other!t1", application="other!t1")


@pytest.mark.parametrize("tenant", ["past"], indirect=True)
async def test_an_expired_token_is_refused(tenant: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    """It was granted two hours ago for one; the validator tells the reason in its log only."""
    with pytest.raises(RuntimeError, match="Cannot validate token"):
        await validate(tenant, await grant(tenant), client_id=tenant.btp_client.client_id, application=APPLICATION)
    assert "Signature has expired" in caplog.text


async def test_a_token_that_was_changed_is_refused(tenant: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    """Its signature no longer fits."""
    head, claims, signature = (await grant(tenant)).split(".")
    changed = f"{head}.{claims}.{signature[:10]}{'A' if signature[10] != 'A' else 'B'}{signature[11:]}"
    with pytest.raises(RuntimeError, match="Cannot validate token"):
        await validate(tenant, changed, client_id=tenant.btp_client.client_id, application=APPLICATION)
    assert "Signature verification failed" in caplog.text
