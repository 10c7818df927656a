"""Health, readiness, metrics and status of a running proxy."""

import json
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from proxy.console.site import Console
from proxy.sandbox.tenant import Tenant
from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import request
from tests.flow.running import POST, Orders, Running

ORDER = b'{"productIdentifier":"HT-1080"}'


async def samples(proxy: Running) -> dict[str, float]:
    """All samples of /metrics by name and labels."""
    status, text = await proxy.ask_admin("/metrics")
    assert status == 200
    families = text_string_to_metric_families(text)
    return {
        ",".join([each.name.removeprefix("cpi_proxy_"), *sorted(each.labels.values())]): each.value
        for family in families
        for each in family.samples
    }


async def test_the_metrics_count_what_happened(proxy: Running, tenant: Tenant) -> None:
    """Names and labels are those that dashboards use."""
    sender = await proxy.sender()
    for line in (b"POST /http/orders", b"POST /http/orders", b"POST /nowhere"):
        await sender.ask(request(line, body=ORDER))
    found = await samples(proxy)
    phases = {f"phase_seconds_count,{phase}": 2.0 for phase in ("token", "connect", "first_byte", "relay")}
    expected = {
        "exchanges_total,200,POST,http,upstream": 2.0,
        "exchanges_total,,404,POST,proxy": 1.0,
        "exchange_seconds_count,http": 2.0,
        "replays_total,fetch_csrf": 1.0,
        "grants_total,granted,neo": 1.0,
        "grant_seconds_count,neo": 1.0,
        "token_expiry_timestamp_seconds,neo": proxy.clock.wall() + 3600,
        "in_flight": 0.0,
        "sender_connections": 1.0,
        "sender_connections_max": float(proxy.app.senders.most),
        "upstream_connections,idle": 2.0,  # of the message, and of the CSRF fetch
        **phases,
    }
    assert found.items() >= expected.items()
    assert tenant.messages.total == 4


async def status(proxy: Running) -> Any:
    """The content of /status."""
    return json.loads((await proxy.ask_admin("/status"))[1])


async def test_a_running_exchange_is_in_metrics_and_status(proxy: Running, tenant: Tenant) -> None:
    """Its connection is counted too."""
    tenant.faults.switch_on("runtime.hang")
    sender = await proxy.begin(request(b"POST /http/invoices", body=b"x"))
    await tenant.faults.struck.reach("runtime.hang", 1)
    assert (await samples(proxy))["in_flight"] == 1
    shown = await status(proxy)
    assert shown["in_flight"] == 1
    assert shown["connections"] == 1
    tenant.faults.switch_off("runtime.hang")
    assert (await sender.answer()).status == 200


async def test_the_status_shows_routes_and_freshness_but_no_secret(proxy: Running, tenant: Tenant) -> None:
    """Tokens are not shown either."""
    await proxy.ask(request(b"POST /btp/invoices", body=b"x"))
    shown = await status(proxy)
    assert [(each["name"], each["path"], each["oauth_client"]) for each in shown["routes"]] == [
        ("http", "/http", "neo"),
        ("btp", "/btp", "btp"),
    ]
    freshness = {name: each["freshness"] for name, each in shown["oauth_clients"].items()}
    assert freshness == {"neo": "none", "btp": "fresh"}
    token = tenant.messages[0].field("Authorization")[0].removeprefix("Bearer ")
    text = json.dumps(shown)
    assert [each for each in (token, tenant.neo_client.secret, tenant.btp_client.secret) if each in text] == []


async def test_it_is_not_ready_while_a_token_cannot_be_had(orders: Orders, refusing: AuthorizationServer) -> None:
    """The process is alive."""
    proxy = await orders(authority=refusing)
    await proxy.ask(POST)
    assert await proxy.ask_admin("/readyz") == (503, "OAuth client orders has no token and cannot get one\n")
    assert (await proxy.ask_admin("/livez"))[0] == 200
    assert (await samples(proxy))["grants_total,grant_rejected,orders"] == 1
    assert (await status(proxy))["oauth_clients"]["orders"]["failure"] == "grant_rejected"


async def test_senders_cannot_reach_it(proxy: Running) -> None:
    """A listener for senders does not serve its paths."""
    sender = await proxy.sender()
    for path in (b"/livez", b"/readyz", b"/metrics", b"/status"):
        assert (await sender.ask(request(b"GET " + path))).code == "route_unknown"


@cases("new_extension", Console)
async def test_the_index_lists_all_resources(proxy: Running) -> None:
    """With the token, as all that is not public."""
    assert (await proxy.ask_admin("/"))[0] == 401
    _, text = await proxy.ask_admin("/", proxy.app.admin.access.token)
    assert text.splitlines() == [
        "GET /livez",
        "GET /readyz",
        "GET /metrics",
        "GET /",
        "GET /status",
        "PUT /log-level",
        "GET /outbox",
        "GET /outbox/messages",
        "GET /outbox/messages/{id}",
        "GET /outbox/messages/{id}/body",
        "POST /outbox/messages/{id}/retry",
        "DELETE /outbox/messages/{id}",
        "POST /outbox/routes/{route}/hold",
        "POST /outbox/routes/{route}/resume",
        "GET /console/",
    ]
