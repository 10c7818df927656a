"""The sandbox grants tokens as Neo and XSUAA do."""

import asyncio
import errno
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from aiohttp import ClientError, ServerDisconnectedError

from proxy.sandbox.certificate_authority import load_identity
from proxy.sandbox.clients import RegisteredClient
from proxy.sandbox.grants import GrantOutcome
from proxy.sandbox.tenant import Tenant
from tests.cases import cases
from tests.fakes.sender import request
from tests.flow.running import Serve, tenant_document
from tests.flow.tenant_client import GRANT, TenantClient, basic, connected

each_server = cases("server", "neo", "xsuaa")


def client_of(tenant: Tenant, server: str) -> RegisteredClient:
    """Returns the OAuth client of one authorization server."""
    return tenant.neo_client if server == "neo" else tenant.btp_client


def methods(tenant: Tenant) -> list[str]:
    """Returns the methods of all token requests."""
    return [entry.auth_method.value for entry in tenant.grants]


@cases("option, place", ("params", "query"), ("data", "body"))
async def test_neo_accepts_parameters_in_query_or_body(client: TenantClient, option: str, place: str) -> None:
    """The log shows the place."""
    neo = client.tenant.neo_client
    headers = basic(neo.client_id, neo.secret)
    answer = await client.grant(neo, **{"data": None, option: GRANT, "headers": headers})
    assert answer.status == 200
    assert answer.document["token_type"] == "Bearer"
    assert answer.document["expires_in"] == 3600
    assert answer.fields["Cache-Control"] == "no-store"
    entry = next(iter(client.tenant.grants))
    assert entry.oauth_client == "sandbox-neo-client"
    assert entry.params_in == place
    assert entry.auth_method == "client_secret_basic"


async def test_neo_serves_only_its_token_path(client: TenantClient) -> None:
    """The answer is Tomcat's 404."""
    answer = await client.ask("POST", client.tenant.addresses.neo_url + "/", data=GRANT)
    assert answer.status == 404
    assert answer.reason == ""
    assert len(client.tenant.grants) == 0


async def test_xsuaa_accepts_a_secret_in_three_forms(client: TenantClient) -> None:
    """Raw Basic, encoded Basic, and the body."""
    btp = client.tenant.btp_client
    encoded = basic(quote_plus(btp.client_id), quote_plus(btp.secret)) | {"X-CF-ENCODED-CREDENTIALS": "true"}
    body = GRANT | {"client_id": btp.client_id, "client_secret": btp.secret}
    for options in ({}, {"headers": encoded}, {"data": body}):
        assert (await client.grant(btp, **options)).document["token_type"] == "bearer"
    assert methods(client.tenant) == ["client_secret_basic", "client_secret_basic", "client_secret_post"]


async def test_xsuaa_accepts_a_certificate_instead_of_a_secret(client: TenantClient) -> None:
    """It belongs to one client."""
    tenant, context = client.tenant, client.tenant.client_context()
    await asyncio.to_thread(load_identity, context, tenant.client_identity)
    for client_id, status in ((tenant.btp_client.client_id, 200), ("other", 401)):
        answer = await client.grant(tenant.btp_client, data=GRANT | {"client_id": client_id}, ssl=context)
        assert answer.status == status


async def test_the_proxy_authenticates_with_assertions(
    serve: Serve, tenant: Tenant, ca_file: Path, tmp_path: Path
) -> None:
    """Each token request has a new one."""
    await asyncio.to_thread(tenant.write, tmp_path / "sandbox")
    document = tenant_document(tenant, ca_file)
    document["oauth_clients"]["btp"] = {
        "provider": "xsuaa",
        "token_url": tenant.xsuaa_token_url,
        "client_id": tenant.btp_client.client_id,
        "token_endpoint_auth_method": "private_key_jwt",
        "private_key_file": str(tmp_path / "sandbox/assertion-key.pem"),
        "tls": {"ca_file": str(ca_file)},
    }
    document["routes"][1]["upstream"] = f"{tenant.runtime_url}/http"
    proxy = await serve(document)
    sender = await proxy.sender()
    for _ in range(2):
        assert (await sender.ask(request(b"POST /btp/invoices", body=b"x"))).status == 200
        tenant.tokens.revoke_all()
        proxy.clock.advance(60)
    assert methods(tenant) == ["private_key_jwt", "private_key_jwt"]
    assert tenant.grants.count(tenant.btp_client.client_id) == 2
    assert tenant.messages[-1].oauth_client == tenant.btp_client.client_id


async def test_an_oversize_token_request_is_refused(client: TenantClient) -> None:
    """The limit is 64 KiB."""
    assert (await client.grant(client.tenant.btp_client, data=b"x" * 70_000)).status == 413


@each_server
@cases(
    "fault, status",
    ("too_many_requests", 429),
    ("unavailable", 503),
    ("unauthorized", 401),
    ("html", 200),
    ("malformed", 200),
)
async def test_a_fault_disturbs_one_token_request(client: TenantClient, server: str, fault: str, status: int) -> None:
    """The next one is granted."""
    tenant, oauth_client = client.tenant, client_of(client.tenant, server)
    tenant.faults.switch_on(f"{server}.{fault}", count=1)
    disturbed = await client.grant(oauth_client)
    assert disturbed.status == status
    assert b'"token_type"' not in disturbed.body
    assert "access_token" in (await client.grant(oauth_client)).document
    assert tenant.grants.as_dict()[oauth_client.client_id] == {"granted": 1, "refused": 0, "disturbed": 1}


@each_server
async def test_a_hanging_endpoint_answers_when_it_is_released(client: TenantClient, server: str) -> None:
    """Until then there is no answer."""
    faults = client.tenant.faults
    faults.switch_on(f"{server}.hang")
    asking = asyncio.create_task(client.grant(client_of(client.tenant, server)))
    await faults.struck.reach(f"{server}.hang", 1)
    assert not asking.done()
    faults.switch_off(f"{server}.hang")
    assert (await asking).status == 200


@each_server
async def test_a_broken_connection_has_no_answer(client: TenantClient, server: str) -> None:
    """It is closed or reset."""
    tenant, oauth_client = client.tenant, client_of(client.tenant, server)
    tenant.faults.switch_on(f"{server}.drop", count=1)
    with pytest.raises(ServerDisconnectedError):
        await client.grant(oauth_client)
    tenant.faults.switch_on(f"{server}.reset", count=1)
    with pytest.raises(ClientError) as caught:
        await client.grant(oauth_client)
    assert getattr(caught.value, "errno", None) == errno.ECONNRESET
    assert tenant.grants.count(oauth_client.client_id, GrantOutcome.DISTURBED) == 2


async def test_a_slow_endpoint_waits_as_long_as_its_value() -> None:
    """It uses the tenant's sleep."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async with Tenant(sleep=sleep) as tenant, connected(tenant) as client:
        tenant.faults.switch_on("neo.slow", 30, count=1)
        assert (await client.grant(tenant.neo_client)).status == 200
        assert slept == [30]
