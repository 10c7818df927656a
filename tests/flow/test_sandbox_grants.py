"""The sandbox grants tokens as Neo and XSUAA do, to whoever proves that it is an OAuth client."""

import asyncio
import base64
import errno
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from aiohttp import ClientError, ClientSession, DummyCookieJar, ServerDisconnectedError, TCPConnector

from proxy.sandbox.grants import GrantOutcome
from proxy.sandbox.registration import RegisteredClient
from proxy.sandbox.tenant import Tenant

GRANT = {"grant_type": "client_credentials"}


@pytest.fixture
async def tenant() -> AsyncIterator[Tenant]:
    """A running sandbox."""
    async with Tenant() as started:
        yield started


@pytest.fixture
async def session(tenant: Tenant) -> AsyncIterator[ClientSession]:
    """A client that trusts it, and keeps no cookies."""
    connector = TCPConnector(ssl=tenant.client_context())
    async with ClientSession(connector=connector, cookie_jar=DummyCookieJar()) as opened:
        yield opened


def basic(client_id: str, secret: str) -> dict[str, str]:
    """A Basic field."""
    return {"Authorization": f"Basic {base64.b64encode(f'{client_id}:{secret}'.encode()).decode()}"}


def neo(client: RegisteredClient) -> dict[str, str]:
    """A Basic field for a client."""
    return basic(client.client_id, client.secret)


@pytest.mark.parametrize("where", ["query", "body"])
async def test_neo_takes_its_parameters_in_query_or_body(tenant: Tenant, session: ClientSession, where: str) -> None:
    """The book says where they stood."""
    query, form = (GRANT, None) if where == "query" else (None, GRANT)
    ask = session.post(tenant.neo_token_url, headers=neo(tenant.neo_client), params=query, data=form)
    async with ask as answer:
        document = await answer.json()
    assert (answer.status, document["token_type"], document["expires_in"]) == (200, "Bearer", 3600)
    assert answer.headers["Cache-Control"] == "no-store"
    entry = next(iter(tenant.grants))
    assert (entry.oauth_client, entry.params_in, entry.auth_method.value) == (
        "sandbox-neo-client",
        where,
        "client_secret_basic",
    )


async def test_neo_refuses_credentials_in_the_body(tenant: Tenant, session: ClientSession) -> None:
    """SAP's help says that this is not supported."""
    form = GRANT | {"client_id": tenant.neo_client.client_id, "client_secret": tenant.neo_client.secret}
    async with session.post(tenant.neo_token_url, data=form) as answer:
        assert answer.status == 401
    assert tenant.grants.count("sandbox-neo-client", GrantOutcome.REFUSED) == 1


async def test_neo_serves_its_token_path_only(tenant: Tenant, session: ClientSession) -> None:
    """Anything else is Tomcat's 404."""
    async with session.post(tenant.addresses.neo_url + "/", data=GRANT) as answer:
        assert (answer.status, answer.reason) == (404, "")
    assert len(tenant.grants) == 0


async def test_xsuaa_takes_four_ways_to_authenticate(tenant: Tenant, session: ClientSession) -> None:
    """Raw Basic, encoded Basic with its field, secret in the body, certificate."""
    client = tenant.btp_client
    encoded = basic(quote_plus(client.client_id), quote_plus(client.secret)) | {"X-CF-ENCODED-CREDENTIALS": "true"}
    body = {"client_id": client.client_id, "client_secret": client.secret}
    for headers, form in ((neo(client), {}), (encoded, {}), ({}, body)):
        async with session.post(tenant.xsuaa_token_url, headers=headers, data=GRANT | form) as answer:
            assert (answer.status, (await answer.json())["token_type"]) == (200, "bearer")
    assert [entry.auth_method.value for entry in tenant.grants] == [
        "client_secret_basic",
        "client_secret_basic",
        "client_secret_post",
    ]


async def test_xsuaa_takes_a_certificate_in_place_of_a_secret(tenant: Tenant, tmp_path: Path) -> None:
    """Only together with the id of the client that it belongs to."""
    await asyncio.to_thread(tenant.write, tmp_path)
    context = await asyncio.to_thread(with_certificate, tenant, tmp_path / "chain.pem")
    async with ClientSession(connector=TCPConnector(ssl=context)) as session:
        form = GRANT | {"client_id": tenant.btp_client.client_id}
        async with session.post(tenant.xsuaa_token_url, data=form) as answer:
            assert answer.status == 200
        async with session.post(tenant.xsuaa_token_url, data=GRANT | {"client_id": "other"}) as answer:
            assert answer.status == 401


def with_certificate(tenant: Tenant, chain: Path) -> ssl.SSLContext:
    """A TLS context that shows the BTP client's certificate."""
    chain.write_text(tenant.client_identity.certificate + tenant.client_identity.private_key)
    context = tenant.client_context()
    context.load_cert_chain(chain)
    return context


async def test_xsuaa_refuses_encoded_credentials_without_their_field(tenant: Tenant, session: ClientSession) -> None:
    """The mistake behind SAP's page on status 401."""
    client = tenant.btp_client
    headers = basic(quote_plus(client.client_id), quote_plus(client.secret))
    async with session.post(tenant.xsuaa_token_url, headers=headers, data=GRANT) as answer:
        assert (answer.status, await answer.json()) == (
            401,
            {"error": "unauthorized", "error_description": "Bad credentials"},
        )


async def test_xsuaa_publishes_keys_and_discovery(tenant: Tenant, session: ClientSession) -> None:
    """Without any credential."""
    base = tenant.addresses.xsuaa_url
    async with session.get(base + "/token_keys?zid=x") as answer:
        assert [key["alg"] for key in (await answer.json())["keys"]] == ["RS256"]
    async with session.get(base + "/.well-known/openid-configuration") as answer:
        assert (await answer.json())["token_endpoint"] == tenant.xsuaa_token_url


async def test_an_oversize_token_request_is_refused(tenant: Tenant, session: ClientSession) -> None:
    """A form of that length is no token request."""
    async with session.post(tenant.xsuaa_token_url, data=b"x" * 70_000) as answer:
        assert answer.status == 413


@pytest.mark.parametrize("place", ["neo", "xsuaa"])
@pytest.mark.parametrize(
    ("fault", "status"),
    [("too_many_requests", 429), ("unavailable", 503), ("unauthorized", 401), ("html", 200), ("malformed", 200)],
)
async def test_a_fault_disturbs_one_endpoint_once(
    tenant: Tenant, session: ClientSession, place: str, fault: str, status: int
) -> None:
    """The request after it is granted."""
    url, client = endpoint(tenant, place)
    tenant.faults.switch_on(f"{place}.{fault}", count=1)
    async with session.post(url, headers=neo(client), data=GRANT) as answer:
        assert (answer.status, '"token_type"' in await answer.text()) == (status, False)
    async with session.post(url, headers=neo(client), data=GRANT) as answer:
        assert "access_token" in await answer.json(content_type=None)
    counts = (tenant.grants.count(client.client_id, GrantOutcome.DISTURBED), tenant.grants.count(client.client_id))
    assert counts == (1, 1)


def endpoint(tenant: Tenant, place: str) -> tuple[str, RegisteredClient]:
    """Token URL and client of one authorization server."""
    if place == "neo":
        return tenant.neo_token_url, tenant.neo_client
    return tenant.xsuaa_token_url, tenant.btp_client


@pytest.mark.parametrize("place", ["neo", "xsuaa"])
async def test_a_hanging_endpoint_answers_when_it_is_let_go(tenant: Tenant, session: ClientSession, place: str) -> None:
    """Not before."""
    url, client = endpoint(tenant, place)
    tenant.faults.switch_on(f"{place}.hang")
    asking = asyncio.create_task(session.post(url, headers=neo(client), data=GRANT))
    await tenant.faults.struck.reach(f"{place}.hang", 1)
    assert not asking.done()
    tenant.faults.switch_off(f"{place}.hang")
    assert (await asking).status == 200


@pytest.mark.parametrize("place", ["neo", "xsuaa"])
async def test_a_dropped_connection_has_no_answer(tenant: Tenant, session: ClientSession, place: str) -> None:
    """Closed in good order, or reset."""
    url, client = endpoint(tenant, place)
    tenant.faults.switch_on(f"{place}.drop", count=1)
    with pytest.raises(ServerDisconnectedError):
        await session.post(url, headers=neo(client), data=GRANT)
    tenant.faults.switch_on(f"{place}.reset", count=1)
    with pytest.raises(ClientError) as caught:
        await session.post(url, headers=neo(client), data=GRANT)
    assert getattr(caught.value, "errno", None) == errno.ECONNRESET
    assert tenant.grants.count(client.client_id, GrantOutcome.DISTURBED) == 2


async def test_a_slow_endpoint_sleeps_as_long_as_it_is_told() -> None:
    """With the sleep that the tenant was given."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async with Tenant(sleep=sleep) as tenant, ClientSession() as session:
        tenant.faults.switch_on("neo.slow", 30, count=1)
        ask = session.post(
            tenant.neo_token_url, headers=neo(tenant.neo_client), data=GRANT, ssl=tenant.client_context()
        )
        async with ask as answer:
            assert (answer.status, slept) == (200, [30])
