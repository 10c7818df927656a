"""The control address shows what happened in the sandbox, and switches its faults."""

import asyncio
import base64
import json
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, DummyCookieJar, TCPConnector

from proxy.sandbox.keys import Keys
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


async def send(tenant: Tenant, session: ClientSession) -> int:
    """A grant and a message with its token."""
    client = tenant.neo_client
    field = f"Basic {base64.b64encode(f'{client.client_id}:{client.secret}'.encode()).decode()}"
    form = {"grant_type": "client_credentials"}
    async with session.post(tenant.neo_token_url, headers={"Authorization": field}, data=form) as answer:
        token = (await answer.json())["access_token"]
    url, headers = tenant.runtime_url + "/http/invoices", {"Authorization": f"Bearer {token}"}
    async with session.post(url, headers=headers, data=b"x") as answer:
        return answer.status


async def get(tenant: Tenant, session: ClientSession, path: str) -> dict[str, object]:
    """A document of the control address."""
    async with session.get(tenant.control_url + path) as answer:
        assert answer.status == 200
        document: dict[str, object] = await answer.json()
        return document


async def test_messages_grants_and_runs_are_shown(tenant: Tenant, session: ClientSession) -> None:
    """And forgotten on demand."""
    await send(tenant, session)
    assert await get(tenant, session, "/messages") == {"total": 1, "messages": [tenant.messages[0].as_dict()]}
    assert (await get(tenant, session, "/messages?last=0"))["messages"] == []
    assert await get(tenant, session, "/grants") == {"sandbox-neo-client": {"granted": 1, "refused": 0, "disturbed": 0}}
    assert await get(tenant, session, "/runs") == {"/invoices": 1}
    async with session.delete(tenant.control_url + "/messages") as answer:
        assert answer.status == 204
    assert await get(tenant, session, "/messages") == {"total": 0, "messages": []}


async def test_one_fault_is_switched_on_and_off(tenant: Tenant, session: ClientSession) -> None:
    """With a count, or without a body at all."""
    url = tenant.control_url + "/faults/runtime.unavailable"
    async with session.put(url, json={"count": 1}) as answer:
        assert answer.status == 204
    assert [await send(tenant, session), await send(tenant, session)] == [503, 200]
    await session.put(url)
    assert await send(tenant, session) == 503
    await session.delete(url)
    assert await send(tenant, session) == 200


async def test_many_faults_are_switched_on_at_once_or_none(tenant: Tenant, session: ClientSession) -> None:
    """A mistake in one leaves the others off."""
    url = tenant.control_url + "/faults"
    async with session.put(url, json={"neo.hang": {}, "neo.huge": {}}) as answer:
        assert (answer.status, await answer.json()) == (
            400,
            {"error": "there is no fault 'neo.huge'; GET /faults lists them"},
        )
    assert "True" not in str(await get(tenant, session, "/faults"))
    await session.put(url, json={"neo.expires_in": {"value": 0}, "runtime.unavailable": {}})
    assert await send(tenant, session) == 503
    await session.delete(url)
    assert await send(tenant, session) == 200


@pytest.mark.parametrize("body", ["[]", "1", "{", '{"count": "x"}'])
async def test_a_wrong_document_is_refused_with_a_sentence(tenant: Tenant, session: ClientSession, body: str) -> None:
    """400, and the fault stays off."""
    async with session.put(tenant.control_url + "/faults/runtime.unavailable", data=body) as answer:
        assert (answer.status, list(await answer.json())) == (400, ["error"])
    assert await send(tenant, session) == 200


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://127.0.0.1:3000"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example", "Sec-Fetch-Site": "same-origin"}, 421),
    ],
)
async def test_a_page_of_another_site_sees_and_changes_nothing(
    tenant: Tenant, session: ClientSession, fields: dict[str, str], status: int
) -> None:
    """Whatever a browser of this machine sends for it, or by a name that the site lets point here."""
    for method, path in (
        ("PUT", "/faults/runtime.unavailable"),
        ("POST", "/reset"),
        ("GET", "/messages"),
        ("GET", "/x"),
    ):
        async with session.request(method, tenant.control_url + path, headers=fields) as answer:
            assert answer.status == status
    assert await send(tenant, session) == 200


async def test_own_pages_are_served(tenant: Tenant, session: ClientSession) -> None:
    """Marked as such by the browser."""
    async with session.post(tenant.control_url + "/reset", headers={"Sec-Fetch-Site": "same-origin"}) as answer:
        assert (answer.status, answer.headers["Server"]) == (204, "cpi-oauth-proxy")


async def test_tokens_can_be_expired_and_sessions_forgotten(tenant: Tenant, session: ClientSession) -> None:
    """At once."""
    await send(tenant, session)
    tenant.sessions.open()
    for path in ("/tokens/expire", "/sessions/forget"):
        async with session.post(tenant.control_url + path) as answer:
            assert answer.status == 204
    value = tenant.messages[0].field("Authorization")[0].removeprefix("Bearer ")
    assert (tenant.ledger.find(value, now=0.0), len(tenant.sessions)) == (None, 0)


async def test_idle_connections_are_closed(tenant: Tenant, session: ClientSession) -> None:
    """The answer says how many."""
    await send(tenant, session)
    async with session.post(tenant.control_url + "/connections/close") as answer:
        assert await answer.json() == {"closed": 1}


async def test_a_reset_begins_anew_with_the_same_credentials(tenant: Tenant, session: ClientSession) -> None:
    """Nothing of before is left."""
    tenant.faults.switch_on("runtime.unavailable")
    await send(tenant, session)
    async with session.post(tenant.control_url + "/reset") as answer:
        assert answer.status == 204
    assert (len(tenant.messages), tenant.grants.as_dict(), tenant.runs()) == (0, {}, {})
    assert await send(tenant, session) == 200


async def test_the_front_page_shows_addresses_and_no_secret(tenant: Tenant, session: ClientSession) -> None:
    """Token URLs, flows and ids of the OAuth clients."""
    page = await get(tenant, session, "/")
    assert page["neo_token_url"] == tenant.neo_token_url
    for client in (tenant.neo_client, tenant.btp_client, tenant.roleless_client):
        assert client.client_id in str(page)
        assert client.secret not in str(page)


async def test_what_a_configuration_needs_is_written_for_the_owner_only(tenant: Tenant, tmp_path: Path) -> None:
    """Authority, secrets, and service keys in SAP's shape; writing again replaces them."""
    for _ in range(2):
        await asyncio.to_thread(tenant.write, tmp_path / "new")
    files, modes = await asyncio.to_thread(read_folder, tmp_path / "new")
    key = json.loads(files["service-key.json"])["oauth"]
    assert (key["url"], key["tokenurl"], key["clientsecret"]) == (
        tenant.runtime_url,
        tenant.xsuaa_token_url,
        tenant.btp_client.secret,
    )
    assert (files["neo-secret"], files["ca.pem"]) == (tenant.neo_client.secret, tenant.ca_pem)
    certificate_key = json.loads(files["service-key-certificate.json"])["oauth"]
    assert certificate_key["certificate"] == tenant.client_identity.certificate
    assert files.keys() == {
        "ca.pem",
        "neo-secret",
        "neo-without-role-secret",
        "service-key.json",
        "service-key-certificate.json",
    }
    assert modes == {0o600}


def read_folder(folder: Path) -> tuple[dict[str, str], set[int]]:
    """Texts by name, and all modes."""
    paths = list(folder.iterdir())
    return {path.name: path.read_text() for path in paths}, {stat.S_IMODE(path.stat().st_mode) for path in paths}


async def test_four_ports_follow_the_first() -> None:
    """Neo, XSUAA, runtime node, control; a sandbox that has been closed gives them back."""
    base = free_base()
    tenant = Tenant(neo_secret="given")
    await tenant.start(base)
    ports = tenant.addresses
    assert (ports.neo, ports.xsuaa, ports.runtime, ports.control) == (base, base + 1, base + 2, base + 3)
    second = Tenant()
    with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{base}"):
        await second.start(base)
    await tenant.close()
    await second.start(base)
    await second.close()
    assert tenant.neo_client.secret == "given"


async def test_a_start_that_fails_gives_the_ports_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next start has them."""

    def fail(_: str) -> Keys:
        raise MemoryError

    base, tenant = free_base(), Tenant()
    with monkeypatch.context() as patched:
        patched.setattr(Keys, "make", fail)
        with pytest.raises(MemoryError):
            await tenant.start(base)
    await tenant.start(base)
    await tenant.close()


def free_base() -> int:
    """The first of four free ports in a row."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            base: int = probe.getsockname()[1]
        try:
            for port in range(base, base + 4):
                with socket.socket() as one:
                    one.bind(("127.0.0.1", port))
        except OSError:
            continue
        return base


def test_before_the_start_there_is_nothing_to_show() -> None:
    """Addresses and certificates are made by it."""
    tenant = Tenant()
    for name in ("addresses", "ca_pem"):
        with pytest.raises(RuntimeError, match="has not been started"):
            getattr(tenant, name)
    assert tenant.close_idle() == 0
