"""The sandbox's runtime node accepts messages with a valid token, and records what it received."""

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from multidict import CIMultiDict

from proxy.sandbox.flows import filler
from tests.cases import cases
from tests.flow.tenant_client import TenantClient

PRODUCT = b'{"productIdentifier":"HT-1080"}'
FETCH = {"X-CSRF-Token": "Fetch"}


async def test_a_message_is_recorded_byte_for_byte(client: TenantClient) -> None:
    """Target, fields and body are unchanged."""
    target = "/http/Echo/a%2Fb//c/%5E?Interface=http%3A%2F%2Fx&q=a+b"
    fields = CIMultiDict([("X-Twice", "1"), ("X-Twice", "2"), ("SAP_Sender", "ERP")])
    answer = await client.send(target, b"\x00\xff", fields=fields)
    assert answer.status == 200
    assert answer.body == b"\x00\xff"
    message = client.tenant.messages[-1]
    assert message.field("x-twice") == ("1", "2")
    assert message.as_dict() == {
        "method": "POST",
        "target": target,
        "version": "HTTP/1.1",
        "fields": [list(pair) for pair in message.fields],
        "body_sha256": hashlib.sha256(b"\x00\xff").hexdigest(),
        "body_size": 2,
        "body_start": "\x00\xff",
        "complete": True,
        "oauth_client": "sandbox-neo-client",
        "status": 200,
        "mpl_id": answer.fields["SAP_MessageProcessingLogID"],
        "at": message.at,
    }
    assert ("SAP_Sender", "ERP") in message.fields


async def test_the_record_shows_the_client_of_each_token(client: TenantClient) -> None:
    """Even if the token has been revoked."""
    tenant = client.tenant
    await client.send(client=tenant.neo_client)
    await client.send(client=tenant.btp_client)
    tenant.tokens.revoke_all()
    await client.send(client=tenant.btp_client)
    assert [(each.oauth_client, each.status) for each in tenant.messages] == [
        (tenant.neo_client.client_id, 200),
        (tenant.btp_client.client_id, 200),
        (tenant.btp_client.client_id, 401),
    ]


@cases("authorization", None, "Bearer nonsense", "Basic YTpi")
async def test_a_request_without_a_valid_token_is_refused(client: TenantClient, authorization: str | None) -> None:
    """It is recorded, and no flow runs."""
    tenant = client.tenant
    headers = {"Authorization": authorization} if authorization else {}
    answer = await client.ask("POST", tenant.runtime_url + "/http/invoices", headers=headers, data=b"x")
    assert answer.status == 401
    assert answer.reason == ""
    assert answer.fields["Server"] == "SAP"
    assert b"HTTP Status 401" in answer.body
    assert tenant.runs() == {}
    message = tenant.messages[-1]
    assert message.body_start == b"x"
    assert message.complete
    assert message.oauth_client is message.mpl_id is None


async def test_a_missing_role_is_a_403_without_the_csrf_field(client: TenantClient) -> None:
    """A missing CSRF token is a 403 with it."""
    answer = await client.send("/http/orders", client=client.tenant.roleless_client)
    assert answer.status == 403
    assert "X-CSRF-Token" not in answer.fields


@cases("method", "GET", "HEAD")
async def test_saps_example_is_answered(client: TenantClient, method: str) -> None:
    """With a CSRF token and its cookies."""
    refused = await client.send("/http/orders", PRODUCT)
    assert refused.status == 403
    assert refused.fields["X-CSRF-Token"] == "Required"
    assert len(refused.fields.getall("Set-Cookie")) == 3
    fetched = await client.send("/http/orders", b"", method=method, fields=FETCH)
    assert fetched.status == 200
    assert fetched.body == b""
    assert client.tenant.runs() == {}
    unit = {"X-CSRF-Token": fetched.fields["X-CSRF-Token"], "Cookie": fetched.cookies}
    answer = await client.send("/http/orders", PRODUCT, fields=unit)
    assert answer.document["Products"]["Product"]["ProductId"] == "HT-1080"
    changed = unit | {"Cookie": fetched.cookies.replace("%2B", "+")}
    assert (await client.send("/http/orders", PRODUCT, fields=changed)).status == 403
    assert client.tenant.runs() == {"/orders": 1}


async def test_a_session_keeps_its_nonce_and_its_cookies(client: TenantClient) -> None:
    """A wrong nonce opens no new session."""
    first = await client.send("/http/orders", method="GET", fields=FETCH)
    fields = FETCH | {"Cookie": first.cookies}
    second = await client.send("/http/orders", method="GET", fields=fields)
    third = await client.send("/http/orders", fields=fields)
    assert second.fields["X-CSRF-Token"] == first.fields["X-CSRF-Token"]
    assert third.status == 403
    assert "Set-Cookie" not in CIMultiDict([*second.fields.items(), *third.fields.items()])


async def test_a_fetch_runs_a_flow_without_csrf_protection(client: TenantClient) -> None:
    """A client must not fetch unasked."""
    answer = await client.send(method="GET", fields=FETCH)
    assert answer.status == 200
    assert "X-CSRF-Token" not in answer.fields
    assert client.tenant.runs() == {"/invoices": 1}


@cases("path", "/cxf/orders", "/http/nowhere", "/")
async def test_an_unknown_address_is_tomcats_404(client: TenantClient, path: str) -> None:
    """And so is another adapter's prefix."""
    answer = await client.send(path)
    assert answer.status == 404
    assert answer.reason == ""


async def test_a_large_message_is_echoed(client: TenantClient) -> None:
    """Its digest and first 64 KiB are recorded."""
    content = bytes(range(256)) * 16_400
    digest = hashlib.sha256(content).hexdigest()
    answer = await client.send("/http/echo", io.BytesIO(content))
    assert hashlib.sha256(answer.body).hexdigest() == digest
    message = client.tenant.messages[-1]
    assert message.body_sha256 == digest
    assert message.body_size == len(content)
    assert len(message.body_start) == 64 << 10


async def test_a_download_has_the_requested_size(client: TenantClient) -> None:
    """HEAD has the same Content-Length."""
    url = "/http/download?bytes=300001"
    assert (await client.send(url, method="GET")).body == b"".join(filler(300_001))
    head = await client.send(url, method="HEAD")
    assert head.fields["Content-Length"] == "300001"
    assert head.body == b""


async def test_a_thousand_messages_from_twenty_senders_are_recorded(client: TenantClient) -> None:
    """Each has its own body."""
    bodies = [[f"{sender}/{number}".encode() for number in range(50)] for sender in range(20)]
    await client.token()

    async def send(own: list[bytes]) -> None:
        for body in own:
            assert (await client.send(body=body)).body == body

    await asyncio.gather(*(send(own) for own in bodies))
    await client.tenant.messages.reach(1000)
    expected = sorted(hashlib.sha256(body).hexdigest() for own in bodies for body in own)
    assert sorted(message.body_sha256 for message in client.tenant.messages) == expected


async def test_a_body_is_not_sent_if_its_head_is_refused(client: TenantClient) -> None:
    """The sender waits for 100 Continue."""
    assert (await client.send(body=b"abc", expect100=True)).body == b"abc"
    client.tenant.tokens.revoke_all()
    assert (await client.send(body=b"abc", expect100=True)).status == 401
    assert [(each.body_size, each.complete) for each in client.tenant.messages] == [(3, True), (0, False)]


async def test_a_body_above_the_flows_limit_is_refused(client: TenantClient) -> None:
    """At once, if its length is known."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(42):
            yield bytes(1 << 20)

    assert (await client.send(body=chunks())).status == 413
    reader, writer = await post(client, f"Content-Length: {41 << 20}")
    assert (await reader.readline()).split() == [b"HTTP/1.1", b"413"]
    writer.close()
    assert client.tenant.runs() == {}


async def test_a_body_that_is_cut_off_runs_no_flow(client: TenantClient) -> None:
    """It is recorded as incomplete."""
    reader, writer = await post(client, "Content-Length: 10", b"abc")
    writer.close()
    await client.tenant.messages.reach(1)
    message = client.tenant.messages[0]
    assert message.body_start == b"abc"
    assert message.complete is False
    assert message.status is None
    assert client.tenant.runs() == {}
    assert await reader.read() == b""


async def test_http_1_0_is_served(client: TenantClient) -> None:
    """SAP PI uses it."""
    reader, writer = await post(client, "Content-Length: 3", b"abc", version="1.0")
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.0 200 \r\n")
    assert answer.endswith(b"\r\n\r\nabc")
    assert client.tenant.messages[0].version == "HTTP/1.0"


async def post(
    client: TenantClient, field: str, body: bytes = b"", *, version: str = "1.1"
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Sends it over TLS."""
    authorization = (await client.token())["Authorization"]
    port, context = urlsplit(client.tenant.runtime_url).port, client.tenant.client_context()
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    lines = [f"POST /http/invoices HTTP/{version}", "Host: x", f"Authorization: {authorization}", field, "", ""]
    writer.write("\r\n".join(lines).encode() + body)
    await writer.drain()
    return reader, writer
