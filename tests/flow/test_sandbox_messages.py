"""The sandbox's runtime node takes messages with a good token, and records exactly what it was sent."""

import asyncio
import base64
import hashlib
import io
import ssl
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientSession, DummyCookieJar, TCPConnector
from multidict import CIMultiDict
from yarl import URL

from proxy.sandbox.flows import filler
from proxy.sandbox.registration import RegisteredClient
from proxy.sandbox.tenant import Tenant


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


async def bearer(tenant: Tenant, session: ClientSession, client: RegisteredClient | None = None) -> dict[str, str]:
    """An Authorization field with a new token."""
    client = client or tenant.neo_client
    url = tenant.xsuaa_token_url if client is tenant.btp_client else tenant.neo_token_url
    field = f"Basic {base64.b64encode(f'{client.client_id}:{client.secret}'.encode()).decode()}"
    form = {"grant_type": "client_credentials"}
    async with session.post(url, headers={"Authorization": field}, data=form) as answer:
        return {"Authorization": f"Bearer {(await answer.json())['access_token']}"}


async def test_a_message_is_recorded_byte_for_byte(tenant: Tenant, session: ClientSession) -> None:
    """Target, fields, body, and whose token came."""
    token = await bearer(tenant, session)
    target = "/http/Echo/a%2Fb//c/%5E?Interface=http%3A%2F%2Fx&q=a+b"
    headers = CIMultiDict([*token.items(), ("X-Twice", "1"), ("X-Twice", "2"), ("SAP_Sender", "ERP")])
    url = URL(tenant.runtime_url + target, encoded=True)
    async with session.post(url, headers=headers, data=b"\x00\xff") as answer:
        assert (answer.status, await answer.read()) == (200, b"\x00\xff")
    message = tenant.messages[-1]
    assert (message.method, message.target, message.version) == ("POST", target, "HTTP/1.1")
    assert (message.field("x-twice"), message.field("SAP_Sender")) == (("1", "2"), ("ERP",))
    assert (message.body_start, message.body_size, message.complete) == (b"\x00\xff", 2, True)
    assert message.body_sha256 == hashlib.sha256(b"\x00\xff").hexdigest()
    assert (message.oauth_client, message.status) == ("sandbox-neo-client", 200)
    assert message.mpl_id == answer.headers["SAP_MessageProcessingLogID"]


async def test_the_record_tells_the_clients_apart(tenant: Tenant, session: ClientSession) -> None:
    """By their tokens, even where these are no longer good."""
    url = tenant.runtime_url + "/http/invoices"
    await session.post(url, headers=await bearer(tenant, session, tenant.neo_client))
    token = await bearer(tenant, session, tenant.btp_client)
    await session.post(url, headers=token)
    tenant.ledger.expire_all()
    await session.post(url, headers=token)
    assert [(one.oauth_client, one.status) for one in tenant.messages] == [
        (tenant.neo_client.client_id, 200),
        (tenant.btp_client.client_id, 200),
        (tenant.btp_client.client_id, 401),
    ]


@pytest.mark.parametrize("authorization", [None, "Bearer nonsense", "Basic YTpi"])
async def test_a_request_without_a_good_token_is_refused_and_recorded(
    tenant: Tenant, session: ClientSession, authorization: str | None
) -> None:
    """401, Tomcat's page, and no flow ran."""
    headers = {"Authorization": authorization} if authorization else {}
    async with session.post(tenant.runtime_url + "/http/invoices", headers=headers, data=b"x") as answer:
        assert (answer.status, answer.reason, answer.headers["Server"]) == (401, "", "SAP")
        assert "HTTP Status 401" in await answer.text()
    assert tenant.runs() == {}
    message = tenant.messages[-1]
    assert (message.oauth_client, message.body_start, message.complete, message.mpl_id) == (None, b"x", True, None)


async def test_a_client_without_the_role_gets_403_without_the_csrf_field(
    tenant: Tenant, session: ClientSession
) -> None:
    """So that it is not taken for a missing CSRF token."""
    token = await bearer(tenant, session, tenant.roleless_client)
    async with session.post(tenant.runtime_url + "/http/orders", headers=token) as answer:
        assert (answer.status, "X-CSRF-Token" in answer.headers) == (403, False)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_saps_example_is_answered(tenant: Tenant, session: ClientSession, method: str) -> None:
    """Refused without a CSRF token, fetched one, posted with it; the fetch does not run the flow."""
    url, token = tenant.runtime_url + "/http/orders", await bearer(tenant, session)
    body = b'{"productIdentifier":"HT-1080"}'
    async with session.post(url, headers=token, data=body) as answer:
        assert (answer.status, answer.headers["X-CSRF-Token"]) == (403, "Required")
        assert len(answer.headers.getall("Set-Cookie")) == 3
    async with session.request(method, url, headers=token | {"X-CSRF-Token": "fetch"}) as answer:
        nonce, cookies = answer.headers["X-CSRF-Token"], answer.headers.getall("Set-Cookie")
        assert (answer.status, await answer.read()) == (200, b"")
    assert tenant.runs() == {}
    unit = token | {"X-CSRF-Token": nonce, "Cookie": "; ".join(one.partition(";")[0] for one in cookies)}
    async with session.post(url, headers=unit, data=body) as answer:
        assert (await answer.json())["Products"]["Product"]["ProductId"] == "HT-1080"
    async with session.post(url, headers=unit | {"Cookie": unit["Cookie"].replace("%2B", "+")}, data=body) as answer:
        assert answer.status == 403
    assert tenant.runs() == {"/orders": 1}


async def test_a_session_keeps_its_nonce_and_sets_no_new_cookies(tenant: Tenant, session: ClientSession) -> None:
    """As Tomcat does; a POST with a wrong nonce in a live session sets none either."""
    url, token = tenant.runtime_url + "/http/orders", await bearer(tenant, session)
    fetch = token | {"X-CSRF-Token": "Fetch"}
    async with session.get(url, headers=fetch) as first:
        cookies = "; ".join(one.partition(";")[0] for one in first.headers.getall("Set-Cookie"))
    async with session.get(url, headers=fetch | {"Cookie": cookies}) as second:
        assert second.headers["X-CSRF-Token"] == first.headers["X-CSRF-Token"]
        assert "Set-Cookie" not in second.headers
    async with session.post(url, headers=fetch | {"Cookie": cookies}) as third:
        assert (third.status, "Set-Cookie" in third.headers) == (403, False)


async def test_a_get_runs_a_flow_that_is_not_protected(tenant: Tenant, session: ClientSession) -> None:
    """Even one that asks for a CSRF token: this is why nobody may fetch ahead."""
    token = await bearer(tenant, session)
    async with session.get(tenant.runtime_url + "/http/invoices", headers=token | {"X-CSRF-Token": "fetch"}) as answer:
        assert (answer.status, "X-CSRF-Token" in answer.headers) == (200, False)
    assert tenant.runs() == {"/invoices": 1}


@pytest.mark.parametrize("path", ["/cxf/orders", "/http/nowhere", "/"])
async def test_an_unknown_address_is_tomcats_404(tenant: Tenant, session: ClientSession, path: str) -> None:
    """The wrong prefix is one."""
    async with session.post(tenant.runtime_url + path, headers=await bearer(tenant, session)) as answer:
        assert (answer.status, answer.reason) == (404, "")


async def test_a_failing_flow_tells_its_mpl_id_in_the_text(tenant: Tenant, session: ClientSession) -> None:
    """In no field."""
    async with session.post(tenant.runtime_url + "/http/fail", headers=await bearer(tenant, session)) as answer:
        text = await answer.text()
    mpl_id = tenant.messages[-1].mpl_id
    assert (answer.status, answer.content_type) == (500, "text/plain")
    assert text.startswith(f"An internal server error occured: The MPL ID for the failed message is : {mpl_id}")
    assert "SAP_MessageProcessingLogID" not in answer.headers


async def test_a_large_message_is_echoed_without_being_held(tenant: Tenant, session: ClientSession) -> None:
    """It is digested whole, and only its start is on record."""
    content = bytes(range(256)) * 16_400
    token = await bearer(tenant, session)
    async with session.post(tenant.runtime_url + "/http/echo", headers=token, data=io.BytesIO(content)) as answer:
        assert hashlib.sha256(await answer.read()).digest() == hashlib.sha256(content).digest()
    message = tenant.messages[-1]
    assert (message.body_size, len(message.body_start)) == (len(content), 64 << 10)
    assert message.body_sha256 == hashlib.sha256(content).hexdigest()


async def test_a_download_sends_what_was_asked(tenant: Tenant, session: ClientSession) -> None:
    """A HEAD gets the same head, and no body."""
    url, token = tenant.runtime_url + "/http/download?bytes=300001", await bearer(tenant, session)
    async with session.get(url, headers=token) as answer:
        assert await answer.read() == b"".join(filler(300_001))
    async with session.head(url, headers=token) as answer:
        assert (answer.headers["Content-Length"], await answer.read()) == ("300001", b"")


async def test_a_thousand_messages_from_twenty_senders_are_all_recorded(tenant: Tenant, session: ClientSession) -> None:
    """Each with its own body."""
    token = await bearer(tenant, session)

    async def send(sender: int) -> None:
        for number in range(50):
            body = f"{sender}/{number}".encode()
            async with session.post(tenant.runtime_url + "/http/invoices", headers=token, data=body) as answer:
                assert await answer.read() == body

    await asyncio.gather(*(send(sender) for sender in range(20)))
    await tenant.messages.reach(1000)
    expected = sorted(hashlib.sha256(f"{s}/{n}".encode()).hexdigest() for s in range(20) for n in range(50))
    assert sorted(message.body_sha256 for message in tenant.messages) == expected


async def test_a_body_that_waits_for_leave_gets_it_or_the_refusal(tenant: Tenant, session: ClientSession) -> None:
    """With Expect: 100-continue a refused body is never sent."""
    url, token = tenant.runtime_url + "/http/invoices", await bearer(tenant, session)
    async with session.post(url, headers=token, data=b"abc", expect100=True) as answer:
        assert await answer.read() == b"abc"
    async with session.post(url, data=b"abc", expect100=True) as answer:
        assert answer.status == 401
    assert [(one.body_size, one.complete) for one in tenant.messages] == [(3, True), (0, False)]


async def test_a_body_beyond_the_flows_limit_is_refused(tenant: Tenant, session: ClientSession) -> None:
    """At once where its length is known, else when it passes the limit."""
    token = await bearer(tenant, session)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(42):
            yield bytes(1 << 20)

    async with session.post(tenant.runtime_url + "/http/invoices", headers=token, data=chunks()) as answer:
        assert answer.status == 413
    reader, writer = await connect(tenant)
    writer.write(head(f"Content-Length: {41 << 20}", token))
    assert (await reader.readline()).split() == [b"HTTP/1.1", b"413"]
    writer.close()
    assert tenant.runs() == {}


async def test_a_body_that_its_sender_cuts_off_runs_no_flow(tenant: Tenant, session: ClientSession) -> None:
    """It is on record as incomplete."""
    reader, writer = await connect(tenant)
    writer.write(head("Content-Length: 10", await bearer(tenant, session)) + b"abc")
    await writer.drain()
    writer.close()
    await tenant.messages.reach(1)
    message = tenant.messages[0]
    assert (message.body_start, message.complete, message.status) == (b"abc", False, None)
    assert (tenant.runs(), await reader.read()) == ({}, b"")


async def test_http_1_0_is_served_and_the_connection_closed(tenant: Tenant, session: ClientSession) -> None:
    """SAP PI speaks it."""
    reader, writer = await connect(tenant)
    writer.write(head("Content-Length: 3", await bearer(tenant, session), version="1.0") + b"abc")
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.0 200 \r\n")
    assert answer.endswith(b"\r\n\r\nabc")
    assert tenant.messages[0].version == "HTTP/1.0"


def head(field: str, token: dict[str, str], *, version: str = "1.1") -> bytes:
    """The head of a POST."""
    lines = [f"POST /http/invoices HTTP/{version}", "Host: x", f"Authorization: {token['Authorization']}", field]
    return "\r\n".join([*lines, "", ""]).encode()


async def connect(tenant: Tenant) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A bare TLS connection to the runtime node."""
    context: ssl.SSLContext = tenant.client_context()
    return await asyncio.open_connection("127.0.0.1", urlsplit(tenant.runtime_url).port, ssl=context)
