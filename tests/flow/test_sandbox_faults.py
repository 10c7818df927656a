"""Each fault of the sandbox's runtime node can be provoked, and is over when it should be."""

import asyncio
import base64
import errno
from collections.abc import AsyncIterator

import pytest
from aiohttp import (
    ClientError,
    ClientPayloadError,
    ClientSession,
    DummyCookieJar,
    ServerDisconnectedError,
    TCPConnector,
)

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


@pytest.fixture
async def token(tenant: Tenant, session: ClientSession) -> dict[str, str]:
    """An Authorization field with a good token."""
    client = tenant.neo_client
    field = f"Basic {base64.b64encode(f'{client.client_id}:{client.secret}'.encode()).decode()}"
    form = {"grant_type": "client_credentials"}
    async with session.post(tenant.neo_token_url, headers={"Authorization": field}, data=form) as answer:
        return {"Authorization": f"Bearer {(await answer.json())['access_token']}"}


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("unauthorized", None, 401),
        ("role_missing", None, 403),
        ("too_large", None, 413),
        ("unavailable", None, 503),
        ("flow_failed", None, 500),
        ("flow_status", 401, 401),
        ("flow_status", 204, 204),
        ("router_error", "unknown_route", 404),
        ("router_error", "endpoint_failure", 502),
    ],
)
async def test_a_fault_with_count_1_disturbs_one_message(
    tenant: Tenant, session: ClientSession, token: dict[str, str], name: str, value: int | str | None, status: int
) -> None:
    """The next is served as ever."""
    tenant.faults.switch_on(f"runtime.{name}", value, count=1)
    statuses = []
    for _ in range(2):
        async with session.post(tenant.runtime_url + "/http/invoices", headers=token, data=b"x") as answer:
            statuses.append(answer.status)
            assert ("X-Cf-RouterError" in answer.headers) == (name == "router_error" and len(statuses) == 1)
    assert statuses == [status, 200]
    assert [message.status for message in tenant.messages] == statuses


async def test_a_status_of_the_flows_own_looks_like_success_otherwise(
    tenant: Tenant, session: ClientSession, token: dict[str, str]
) -> None:
    """A receiver's 401 can leak out of a flow that ran."""
    tenant.faults.switch_on("runtime.flow_status", 401)
    async with session.post(tenant.runtime_url + "/http/invoices", headers=token) as answer:
        assert (answer.status, "SAP_MessageProcessingLogID" in answer.headers) == (401, True)
    assert tenant.runs() == {"/invoices": 1}


async def test_expired_tokens_stay_expired(tenant: Tenant, session: ClientSession, token: dict[str, str]) -> None:
    """Unlike with unauthorized, only a new token helps."""
    tenant.faults.switch_on("runtime.expire_tokens", count=1)
    for _ in range(2):
        async with session.post(tenant.runtime_url + "/http/invoices", headers=token) as answer:
            assert answer.status == 401


async def test_a_lost_session_requires_another_fetch(
    tenant: Tenant, session: ClientSession, token: dict[str, str]
) -> None:
    """The answer sets the cookies of a new one."""
    url = tenant.runtime_url + "/http/orders"
    async with session.get(url, headers=token | {"X-CSRF-Token": "fetch"}) as answer:
        cookies = "; ".join(one.partition(";")[0] for one in answer.headers.getall("Set-Cookie"))
        unit = token | {"X-CSRF-Token": answer.headers["X-CSRF-Token"], "Cookie": cookies}
    tenant.faults.switch_on("runtime.csrf_session_lost", count=1)
    async with session.post(url, headers=unit) as answer:
        assert (answer.status, answer.headers["X-CSRF-Token"]) == (403, "Required")
        assert "Set-Cookie" in answer.headers


async def test_the_csrf_check_can_come_before_that_of_the_token(tenant: Tenant, session: ClientSession) -> None:
    """Nobody knows which way round SAP does it."""
    tenant.faults.switch_on("runtime.csrf_first")
    async with session.post(tenant.runtime_url + "/http/orders") as answer:
        assert (answer.status, answer.headers["X-CSRF-Token"]) == (403, "Required")


async def test_head_can_be_refused(tenant: Tenant, session: ClientSession, token: dict[str, str]) -> None:
    """A GET still fetches."""
    tenant.faults.switch_on("runtime.head_refused")
    url, fetch = tenant.runtime_url + "/http/orders", token | {"X-CSRF-Token": "fetch"}
    async with session.head(url, headers=fetch) as answer:
        assert answer.status == 405
    async with session.get(url, headers=fetch) as answer:
        assert answer.status == 200


async def test_success_can_come_without_an_mpl_id(
    tenant: Tenant, session: ClientSession, token: dict[str, str]
) -> None:
    """With x-correlationid alone."""
    tenant.faults.switch_on("runtime.correlation_only")
    async with session.post(tenant.runtime_url + "/http/invoices", headers=token) as answer:
        assert ("x-correlationid" in answer.headers, "SAP_MessageProcessingLogID" in answer.headers) == (True, False)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("fault", ["drop", "reset"])
async def test_a_connection_can_be_broken_before_or_after_the_body(
    tenant: Tenant, session: ClientSession, token: dict[str, str], fault: str, moment: str
) -> None:
    """The record says whether the body was read; no flow ran."""
    tenant.faults.switch_on(f"runtime.{fault}", moment, count=1)
    with pytest.raises(ClientError) as caught:
        await session.post(tenant.runtime_url + "/http/invoices", headers=token, data=b"abc")
    if fault == "reset":
        assert getattr(caught.value, "errno", None) == errno.ECONNRESET
    else:
        assert isinstance(caught.value, ServerDisconnectedError)
    message = tenant.messages[-1]
    assert (message.complete, message.status, tenant.runs()) == (moment == "after", None, {})


@pytest.mark.parametrize("body", [b"0123456789", b""])
async def test_an_answer_can_be_cut_off(
    tenant: Tenant, session: ClientSession, token: dict[str, str], body: bytes
) -> None:
    """Its length says that there should have been more."""
    tenant.faults.switch_on("runtime.truncate", count=1)
    async with session.post(tenant.runtime_url + "/http/invoices", headers=token, data=body) as answer:
        with pytest.raises(ClientPayloadError):
            await answer.read()


async def test_a_413_can_come_while_the_body_is_still_being_sent(
    tenant: Tenant, session: ClientSession, token: dict[str, str]
) -> None:
    """The sender of the body has been stopped in the middle."""
    gate = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"begun"
        await gate.wait()

    tenant.faults.switch_on("runtime.too_large", count=1)
    async with session.post(tenant.runtime_url + "/http/echo", headers=token, data=body()) as answer:
        assert (answer.status, answer.headers["Connection"]) == (413, "close")
        gate.set()
    assert tenant.messages[-1].complete is False


async def test_a_long_body_is_refused_while_it_is_being_sent(tenant: Tenant, session: ClientSession) -> None:
    """As Tomcat does; a short one is read first."""
    gate = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield bytes(100_000)
        await gate.wait()
        yield bytes(100_000)

    async with session.post(tenant.runtime_url + "/http/echo", data=body()) as answer:
        assert answer.status == 401
        gate.set()


async def test_a_hanging_node_answers_when_it_is_let_go(
    tenant: Tenant, session: ClientSession, token: dict[str, str]
) -> None:
    """The message has been read by then, and the flow has not run."""
    tenant.faults.switch_on("runtime.hang", count=1)
    url = tenant.runtime_url + "/http/invoices"
    sending = asyncio.create_task(session.post(url, headers=token, data=b"abc"))
    await tenant.faults.struck.reach("runtime.hang", 1)
    assert (sending.done(), tenant.runs()) == (False, {})
    tenant.faults.switch_off("runtime.hang")
    async with await sending as answer:
        assert await answer.read() == b"abc"


async def test_closing_lets_go_whoever_hangs(tenant: Tenant, session: ClientSession, token: dict[str, str]) -> None:
    """Nobody waits for ever."""
    tenant.faults.switch_on("runtime.hang")
    sending = asyncio.create_task(session.post(tenant.runtime_url + "/http/invoices", headers=token))
    await tenant.faults.struck.reach("runtime.hang", 1)
    await tenant.close()
    answer = await asyncio.gather(sending, return_exceptions=True)
    assert len(answer) == 1


@pytest.mark.parametrize("size", [10, 1_000_000])
async def test_a_sender_that_leaves_while_its_flow_runs_does_no_harm(
    tenant: Tenant, session: ClientSession, token: dict[str, str], size: int
) -> None:
    """The flow runs all the same, as it would at SAP."""
    tenant.faults.switch_on("runtime.hang", count=1)
    url = tenant.runtime_url + f"/http/download?bytes={size}"
    sending = asyncio.create_task(session.get(url, headers=token))
    await tenant.faults.struck.reach("runtime.hang", 1)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    tenant.faults.switch_off("runtime.hang")
    await tenant.messages.reach(1)
    assert tenant.runs() == {"/download": 1}
    async with session.post(tenant.runtime_url + "/http/invoices", headers=token) as answer:
        assert answer.status == 200


async def test_idle_connections_can_be_closed(tenant: Tenant, session: ClientSession, token: dict[str, str]) -> None:
    """One that is busy is spared."""
    url = tenant.runtime_url + "/http/invoices"
    tenant.faults.switch_on("runtime.hang", count=1)
    sending = asyncio.create_task(session.post(url, headers=token, data=b"busy"))
    await tenant.faults.struck.reach("runtime.hang", 1)
    async with session.post(url, headers=token, data=b"idle") as answer:
        await answer.read()
    assert tenant.close_idle() == 1
    tenant.faults.switch_off("runtime.hang")
    async with await sending as answer:
        assert await answer.read() == b"busy"
