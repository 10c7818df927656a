"""SAP's own validator, sap-xssec, accepts the sandbox's valid tokens and no others."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sap import xssec

from proxy.sandbox.tenant import Tenant
from tests.cases import cases
from tests.fakes.clock import HandClock
from tests.flow.tenant_client import TenantClient

APPLICATION = "it-rt-sandbox!b5678"
TWO_HOURS = 7200


@pytest.fixture(params=[0])
async def tenant(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Tenant]:
    """A sandbox that the validator trusts, `param` seconds ago."""
    async with Tenant(clock=HandClock(wall=time.time() - request.param)) as started:
        await asyncio.to_thread(started.write, tmp_path)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        yield started


@pytest.fixture
async def token(client: TenantClient) -> str:
    """A token of XSUAA."""
    fields = await client.token(client.tenant.btp_client)
    return fields["Authorization"].removeprefix("Bearer ")


async def validate(
    tenant: Tenant, token: str, *, client_id: str | None = None, application: str = APPLICATION
) -> xssec.SecurityContextXSUAA:
    """Returns a security context; the validator blocks."""
    credentials = {
        "clientid": client_id or tenant.btp_client.client_id,
        "clientsecret": "-",
        "url": tenant.addresses.xsuaa_url,
        "uaadomain": f"127.0.0.1:{tenant.addresses.xsuaa}",
        "xsappname": application,
    }
    return await asyncio.to_thread(xssec.create_security_context_xsuaa, token, credentials)


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcfromtimestamp:DeprecationWarning")
@cases("client_id", None, "sb-other")
async def test_a_token_is_accepted_and_has_the_role(tenant: Tenant, token: str, client_id: str | None) -> None:
    """The client and the role's application accept it."""
    context = await validate(tenant, token, client_id=client_id)
    assert context.check_local_scope("ESBMessaging.send") is True
    assert context.check_local_scope("ESBMessaging.other") is False
    assert context.get_clientid() == tenant.btp_client.client_id
    assert context.get_grant_type() == "client_credentials"


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcfromtimestamp:DeprecationWarning")
async def test_a_token_for_another_audience_is_refused(tenant: Tenant, token: str) -> None:
    """It is valid, but not for that application."""
    with pytest.raises(RuntimeError, match="Audience Validation Failed"):
        await validate(tenant, token, client_id="sb-other!t1", application="other!t1")


@pytest.mark.parametrize("tenant", [TWO_HOURS], indirect=True)
async def test_an_expired_token_is_refused(tenant: Tenant, token: str, caplog: pytest.LogCaptureFixture) -> None:
    """Only the validator's log has the reason."""
    with pytest.raises(RuntimeError, match="Cannot validate token"):
        await validate(tenant, token)
    assert "Signature has expired" in caplog.text


async def test_a_changed_token_is_refused(tenant: Tenant, token: str, caplog: pytest.LogCaptureFixture) -> None:
    """Its signature does not match."""
    head, claims, signature = token.split(".")
    changed = f"{head}.{claims}.{signature[:10]}{'A' if signature[10] != 'A' else 'B'}{signature[11:]}"
    with pytest.raises(RuntimeError, match="Cannot validate token"):
        await validate(tenant, changed)
    assert "Signature verification failed" in caplog.text
