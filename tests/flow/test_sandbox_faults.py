"""Each fault of the sandbox's runtime node can be provoked and ends as specified."""

import asyncio
import errno
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientError, ClientPayloadError, ServerDisconnectedError

from tests.cases import cases
from tests.flow.tenant_client import TenantClient

MPL_ID = "SAP_MessageProcessingLogID"
FETCH = {"X-CSRF-Token": "fetch"}


async def hanging(client: TenantClient, path: str = "/http/invoices", *, method: str = "POST") -> "asyncio.Task[bytes]":
    """Returns a message that the node holds back."""

    async def send() -> bytes:
        return (await client.send(path, b"abc", method=method)).body

    await client.token()
    client.tenant.faults.switch_on("runtime.hang", count=1)
    sending = asyncio.create_task(send())
    await client.tenant.faults.struck.reach("runtime.hang", 1)
    assert not sending.done()
    return sending


@cases(
    "name, value, status",
    ("unauthorized", None, 401),
    ("role_missing", None, 403),
    ("too_large", None, 413),
    ("unavailable", None, 503),
    ("flow_failed", None, 500),
    ("flow_status", 401, 401),
    ("flow_status", 204, 204),
    ("router_error", "unknown_route", 404),
    ("router_error", "endpoint_failure", 502),
)
async def test_a_fault_with_count_1_disturbs_one_message(
    client: TenantClient, name: str, value: int | str | None, status: int
) -> None:
    """The next one is served as usual."""
    client.tenant.faults.switch_on(f"runtime.{name}", value, count=1)
    first, second = await client.send(), await client.send()
    assert [first.status, second.status] == [status, 200]
    assert ("X-Cf-RouterError" in first.fields) is (name == "router_error")
    assert "X-Cf-RouterError" not in second.fields
    assert [message.status for message in client.tenant.messages] == [status, 200]


async def test_a_status_of_the_flow_has_an_mpl_id(client: TenantClient) -> None:
    """A flow may answer 401."""
    client.tenant.faults.switch_on("runtime.flow_status", 401)
    answer = await client.send()
    assert answer.status == 401
    assert MPL_ID in answer.fields
    assert client.tenant.runs() == {"/invoices": 1}


async def test_revoked_tokens_stay_revoked(client: TenantClient) -> None:
    """A new token is accepted."""
    await client.token()
    client.tenant.faults.switch_on("runtime.expire_tokens", count=1)
    assert [(await client.send()).status, (await client.send()).status] == [401, 401]


async def test_a_lost_session_requires_another_fetch(client: TenantClient) -> None:
    """The answer sets the cookies of a new session."""
    fetched = await client.send("/http/orders", method="GET", fields=FETCH)
    unit = {"X-CSRF-Token": fetched.fields["X-CSRF-Token"], "Cookie": fetched.cookies}
    client.tenant.faults.switch_on("runtime.csrf_session_lost", count=1)
    answer = await client.send("/http/orders", fields=unit)
    assert answer.status == 403
    assert answer.fields["X-CSRF-Token"] == "Required"
    assert "Set-Cookie" in answer.fields


async def test_head_can_be_refused(client: TenantClient) -> None:
    """A GET still fetches."""
    client.tenant.faults.switch_on("runtime.head_refused")
    assert (await client.send("/http/orders", method="HEAD", fields=FETCH)).status == 405
    assert (await client.send("/http/orders", method="GET", fields=FETCH)).status == 200


@cases("moment", "before", "after")
@cases("fault", "drop", "reset")
async def test_a_connection_can_be_broken_before_or_after_the_body(
    client: TenantClient, fault: str, moment: str
) -> None:
    """No flow runs."""
    client.tenant.faults.switch_on(f"runtime.{fault}", moment, count=1)
    with pytest.raises(ClientError) as caught:
        await client.send()
    if fault == "reset":
        assert getattr(caught.value, "errno", None) == errno.ECONNRESET
    else:
        assert isinstance(caught.value, ServerDisconnectedError)
    message = client.tenant.messages[-1]
    assert message.complete is (moment == "after")
    assert message.status is None
    assert client.tenant.runs() == {}


@cases("body", b"0123456789", b"")
async def test_an_answer_can_be_cut_off(client: TenantClient, body: bytes) -> None:
    """Its Content-Length shows that it is incomplete."""
    client.tenant.faults.switch_on("runtime.truncate", count=1)
    with pytest.raises(ClientPayloadError):
        await client.send(body=body)


@cases("fault, size, status", ("too_large", 5, 413), ("unauthorized", 100_000, 401))
async def test_a_body_can_be_refused_while_it_is_being_sent(
    client: TenantClient, fault: str, size: int, status: int
) -> None:
    """Tomcat does this for long bodies."""
    answered = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield bytes(size)
        await answered.wait()
        yield bytes(size)

    client.tenant.faults.switch_on(f"runtime.{fault}", count=1)
    answer = await client.send("/http/echo", body())
    answered.set()
    assert answer.status == status
    assert answer.fields["Connection"] == "close"
    assert client.tenant.messages[-1].complete is False


async def test_a_hanging_node_answers_when_it_is_released(client: TenantClient) -> None:
    """Until then the flow has not run."""
    sending = await hanging(client)
    assert client.tenant.runs() == {}
    client.tenant.faults.switch_off("runtime.hang")
    assert await sending == b"abc"


async def test_closing_the_tenant_releases_hanging_requests(client: TenantClient) -> None:
    """They end, with or without an answer."""
    sending = await hanging(client)
    await client.tenant.close()
    await asyncio.wait([sending])
    assert sending.done()


@cases("size", 10, 1_000_000)
async def test_the_flow_of_a_sender_that_disconnects_runs(client: TenantClient, size: int) -> None:
    """The next message is served as usual."""
    sending = await hanging(client, f"/http/download?bytes={size}", method="GET")
    sending.cancel()
    await asyncio.wait([sending])
    client.tenant.faults.switch_off("runtime.hang")
    await client.tenant.messages.reach(1)
    assert client.tenant.runs() == {"/download": 1}
    assert (await client.send()).status == 200


async def test_only_idle_connections_are_closed(client: TenantClient) -> None:
    """The busy one gets its answer."""
    sending = await hanging(client)
    await client.send()
    assert client.tenant.close_idle() == 1
    client.tenant.faults.switch_off("runtime.hang")
    assert await sending == b"abc"
