"""The control address shows what the sandbox recorded, and switches its faults."""

import asyncio
import json
import socket
import stat
from pathlib import Path

import pytest

from proxy.sandbox.tenant import Tenant
from proxy.sandbox.tenant_keys import TenantKeys
from tests.cases import cases
from tests.flow.tenant_client import TenantClient


async def test_messages_grants_and_runs_are_shown(client: TenantClient) -> None:
    """Messages can be deleted."""
    await client.send()
    expected = {
        "/messages": {"total": 1, "messages": [client.tenant.messages[0].as_dict()]},
        "/messages?last=0": {"total": 1, "messages": []},
        "/grants": {"sandbox-neo-client": {"granted": 1, "refused": 0, "disturbed": 0}},
        "/runs": {"/invoices": 1},
    }
    assert {path: (await client.control("GET", path)).document for path in expected} == expected
    assert (await client.control("DELETE", "/messages")).status == 204
    assert (await client.control("GET", "/messages")).document == {"total": 0, "messages": []}


@cases(
    "accept, text",
    ("*/*", b'{\n  "/invoices": 1\n}\n'),
    ("text/html,application/xhtml+xml,*/*;q=0.8", b'{\n  "/invoices": 1\n}\n'),
    ("application/json", b'{"/invoices": 1}'),
)
async def test_json_is_compact_only_for_programs(client: TenantClient, accept: str, text: bytes) -> None:
    """Neither curl nor browsers ask for it."""
    await client.send()
    answer = await client.control("GET", "/runs", headers={"Accept": accept})
    assert answer.body == text
    assert answer.fields["Content-Type"] == "application/json; charset=utf-8"
    answer = await client.control("PUT", "/faults/x", headers={"Accept": accept})
    assert answer.body.startswith(b'{"error": ' if accept == "application/json" else b'{\n  "error": ')


async def test_a_fault_is_switched_on_and_off(client: TenantClient) -> None:
    """The body with a count is optional."""
    fault = "/faults/runtime.unavailable"
    assert (await client.control("PUT", fault, json={"count": 1})).status == 204
    assert [(await client.send()).status, (await client.send()).status] == [503, 200]
    await client.control("PUT", fault)
    assert (await client.send()).status == 503
    await client.control("DELETE", fault)
    assert (await client.send()).status == 200


async def test_several_faults_are_switched_on_or_none(client: TenantClient) -> None:
    """An invalid one leaves all of them off."""
    answer = await client.control("PUT", "/faults", json={"neo.hang": {}, "neo.huge": {}})
    assert answer.status == 400
    assert answer.document == {"error": "there is no fault 'neo.huge'; GET /faults lists them"}
    assert not any(fault["on"] for fault in (await client.control("GET", "/faults")).document.values())
    await client.control("PUT", "/faults", json={"neo.expires_in": {"value": 0}, "runtime.unavailable": {}})
    assert (await client.send()).status == 503
    await client.control("DELETE", "/faults")
    assert (await client.send()).status == 200


@cases("body", "[]", "1", "{", '{"count": "x"}')
async def test_an_invalid_document_is_refused(client: TenantClient, body: str) -> None:
    """The fault stays off."""
    answer = await client.control("PUT", "/faults/runtime.unavailable", data=body)
    assert answer.status == 400
    assert answer.document.keys() == {"error"}
    assert (await client.send()).status == 200


@cases("fields, status", ({"Sec-Fetch-Site": "cross-site"}, 403), ({"Host": "evil.example"}, 421))
async def test_a_page_of_another_site_is_refused(client: TenantClient, fields: dict[str, str], status: int) -> None:
    """Even if its name resolves to this machine."""
    fault = "/faults/runtime.unavailable"
    for method, path in (("PUT", fault), ("POST", "/reset"), ("GET", "/messages"), ("GET", "/x")):
        assert (await client.control(method, path, headers=fields)).status == status
    assert (await client.send()).status == 200


async def test_own_pages_are_served(client: TenantClient) -> None:
    """A browser marks their requests."""
    answer = await client.control("POST", "/reset", headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status == 204
    assert answer.fields["Server"] == "cpi-oauth-proxy"


async def test_tokens_can_be_revoked_and_sessions_forgotten(client: TenantClient) -> None:
    """The next message is refused."""
    await client.token()
    client.tenant.sessions.open()
    for path in ("/tokens/expire", "/sessions/forget"):
        assert (await client.control("POST", path)).status == 204
    assert (await client.send()).status == 401
    assert len(client.tenant.sessions) == 0


async def test_idle_connections_are_closed(client: TenantClient) -> None:
    """The answer has their number."""
    await client.send()
    assert (await client.control("POST", "/connections/close")).document == {"closed": 1}


async def test_a_reset_keeps_only_addresses_and_credentials(client: TenantClient) -> None:
    """All else is deleted."""
    tenant = client.tenant
    tenant.faults.switch_on("runtime.unavailable")
    await client.send()
    assert (await client.control("POST", "/reset")).status == 204
    assert len(tenant.messages) == 0
    assert tenant.grants.as_dict() == {}
    assert tenant.runs() == {}
    assert (await client.send()).status == 401
    assert (await client.grant(tenant.neo_client)).status == 200


async def test_the_root_shows_addresses_and_no_secret(client: TenantClient) -> None:
    """It also has the ids of the OAuth clients."""
    tenant = client.tenant
    page = (await client.control("GET", "/")).document
    assert page["neo_token_url"] == tenant.neo_token_url
    for each in (tenant.neo_client, tenant.btp_client, tenant.roleless_client):
        assert each.client_id in page["oauth_clients"]
        assert each.secret not in str(page)


async def test_only_the_owner_can_read_the_written_files(tenant: Tenant, tmp_path: Path) -> None:
    """Writing again replaces them."""
    for _ in range(2):
        await asyncio.to_thread(tenant.write, tmp_path / "new")
    files, modes = await asyncio.to_thread(read_folder, tmp_path / "new")
    assert {name: text for name, text in files.items() if not name.endswith(".json")} == {
        "assertion-key.pem": tenant.client_identity.private_key,
        "ca.pem": tenant.ca_pem,
        "neo-secret": tenant.neo_client.secret,
        "neo-without-role-secret": tenant.roleless_client.secret,
    }
    assert json.loads(files["service-key-certificate.json"]) == tenant.certificate_service_key
    key = json.loads(files["service-key.json"])["oauth"]
    assert key["url"] == tenant.runtime_url
    assert key["tokenurl"] == tenant.xsuaa_token_url
    assert key["clientsecret"] == tenant.btp_client.secret
    assert modes == {0o600}


def read_folder(folder: Path) -> tuple[dict[str, str], set[int]]:
    """Returns texts by name, and all modes."""
    paths = list(folder.iterdir())
    return {path.name: path.read_text() for path in paths}, {stat.S_IMODE(path.stat().st_mode) for path in paths}


async def test_four_ports_follow_the_first() -> None:
    """A closed sandbox releases them."""
    base, tenant, second = free_base(), Tenant(neo_secret="given"), Tenant()
    await tenant.start(base)
    ports = tenant.addresses
    assert [ports.neo, ports.xsuaa, ports.runtime, ports.control] == [base, base + 1, base + 2, base + 3]
    with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{base}"):
        await second.start(base)
    await tenant.close()
    await second.start(base)
    await second.close()
    assert tenant.neo_client.secret == "given"


async def test_a_failed_start_releases_the_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next start binds them."""

    def fail(_: str) -> TenantKeys:
        raise MemoryError

    base, tenant = free_base(), Tenant()
    with monkeypatch.context() as patched:
        patched.setattr(TenantKeys, "make", fail)
        with pytest.raises(MemoryError):
            await tenant.start(base)
    await tenant.start(base)
    await tenant.close()


def free_base() -> int:
    """Returns the first of four consecutive free ports."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            base: int = probe.getsockname()[1]
        try:
            for port in range(base, base + 4):
                with socket.socket() as each:
                    each.bind(("127.0.0.1", port))
        except OSError:
            continue
        return base


@cases("name", "addresses", "ca_pem")
def test_before_the_start_there_are_no_addresses_and_certificates(name: str) -> None:
    """There is no connection to close, either."""
    tenant = Tenant()
    with pytest.raises(RuntimeError, match="has not been started"):
        getattr(tenant, name)
    assert tenant.close_idle() == 0
