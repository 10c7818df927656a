"""Health, readiness, metrics and status of a running proxy."""

import json

import pytest
from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families

from proxy.sandbox.tenant import Tenant
from tests.fakes.authorization_server import AuthorizationServer, refused
from tests.fakes.sender import request
from tests.fakes.upstream import Upstream
from tests.flow.running import Running, Serve, document

ORDER = b'{"productIdentifier":"HT-1080"}'


async def samples(proxy: Running) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """All samples of /metrics by name and labels, as Prometheus' own parser reads them."""
    status, text = await proxy.ask_admin("/metrics")
    assert status == 200
    families = text_string_to_metric_families(text)
    return {
        (each.name, tuple(sorted(each.labels.items()))): each.value for family in families for each in family.samples
    }


async def test_the_metrics_count_what_happened(proxy: Running, tenant: Tenant) -> None:
    """Under the names that dashboards know."""
    sender = await proxy.sender()
    await sender.ask(request(b"POST /http/orders", body=ORDER))
    await sender.ask(request(b"POST /http/orders", body=ORDER))
    await sender.ask(request(b"POST /nowhere", body=ORDER))
    found = await samples(proxy)
    labels = (("made_by", "upstream"), ("method", "POST"), ("route", "http"), ("status", "200"))
    assert found["cpi_proxy_exchanges_total", labels] == 2
    labels = (("made_by", "proxy"), ("method", "POST"), ("route", ""), ("status", "404"))
    assert found["cpi_proxy_exchanges_total", labels] == 1
    assert found["cpi_proxy_exchange_seconds_count", (("route", "http"),)] == 2
    assert found["cpi_proxy_replays_total", (("reason", "fetch_csrf"),)] == 1
    assert found["cpi_proxy_grants_total", (("oauth_client", "neo"), ("outcome", "granted"))] == 1
    assert found["cpi_proxy_grant_seconds_count", (("oauth_client", "neo"),)] == 1
    assert found["cpi_proxy_token_expiry_timestamp_seconds", (("oauth_client", "neo"),)] == proxy.clock.wall() + 3600
    assert found["cpi_proxy_in_flight", ()] == 0
    assert found["cpi_proxy_sender_connections", ()] == 1
    assert found["cpi_proxy_sender_connections_max", ()] == proxy.app.senders.most
    assert found["cpi_proxy_upstream_connections", (("state", "idle"),)] == 1
    for phase in ("token", "connect", "first_byte", "relay"):
        assert found["cpi_proxy_phase_seconds_count", (("phase", phase),)] == 2
    assert tenant.messages.total == 4


async def test_an_exchange_on_its_way_is_seen(proxy: Running, tenant: Tenant) -> None:
    """In the metrics and in the status."""
    tenant.faults.switch_on("runtime.hang")
    sender = await proxy.sender()
    await sender.send(request(b"POST /http/invoices", body=b"x"))
    await tenant.faults.struck.reach("runtime.hang", 1)
    assert (await samples(proxy))["cpi_proxy_in_flight", ()] == 1
    status = json.loads((await proxy.ask_admin("/status"))[1])
    assert (status["in_flight"], status["connections"]) == (1, 1)
    tenant.faults.switch_off("runtime.hang")
    assert (await sender.answer()).status == 200


async def test_the_status_tells_routes_and_tokens(proxy: Running, tenant: Tenant) -> None:
    """And neither a secret nor a token."""
    await (await proxy.sender()).ask(request(b"POST /btp/invoices", body=b"x"))
    _, text = await proxy.ask_admin("/status")
    status = json.loads(text)
    assert [(each["name"], each["path"], each["oauth_client"]) for each in status["routes"]] == [
        ("http", "/http", "neo"),
        ("btp", "/btp", "btp"),
    ]
    assert (status["oauth_clients"]["neo"]["freshness"], status["oauth_clients"]["btp"]["freshness"]) == (
        "none",
        "fresh",
    )
    token = tenant.messages[0].field("Authorization")[0].removeprefix("Bearer ")
    assert not [each for each in (token, tenant.neo_client.secret, tenant.btp_client.secret) if each in text]


async def test_it_is_alive_and_ready_before_the_first_message(proxy: Running) -> None:
    """An OAuth client that was never asked for counts as ready."""
    assert await proxy.ask_admin("/livez") == (200, "alive\n")
    assert await proxy.ask_admin("/readyz") == (200, "ready\n")


async def test_it_is_not_ready_without_a_token_that_it_cannot_get(serve: Serve, upstream: Upstream) -> None:
    """And says which OAuth client it is."""
    async with AuthorizationServer(refused(401, error="invalid_client")) as authority:
        proxy = await serve(document(upstream, authority))
        await (await proxy.sender()).ask(request(b"POST /orders", body=b"x"))
        assert await proxy.ask_admin("/readyz") == (503, "OAuth client orders has no token and cannot get one\n")
        assert (await proxy.ask_admin("/livez"))[0] == 200
        found = await samples(proxy)
        assert found["cpi_proxy_grants_total", (("oauth_client", "orders"), ("outcome", "grant_rejected"))] == 1
        status = json.loads((await proxy.ask_admin("/status"))[1])
        assert status["oauth_clients"]["orders"]["failure"] == "grant_rejected"


@pytest.mark.parametrize(("level", "status", "lines"), [("error", 200, 0), ("info", 200, 1), ("loud", 400, 1)])
async def test_the_log_level_can_be_set(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, level: str, status: int, lines: int
) -> None:
    """While it runs."""
    proxy = await serve(document(upstream, authority))
    async with ClientSession() as session, session.put(f"{proxy.admin_url}/log-level", data=level) as answer:
        assert answer.status == status
    await (await proxy.sender()).ask(request(b"POST /orders", body=b"x"))
    assert len(proxy.lines.named("exchange.finished")) == lines


async def test_senders_cannot_reach_it(proxy: Running) -> None:
    """Its resources are on its own address only."""
    sender = await proxy.sender()
    for path in (b"/livez", b"/readyz", b"/metrics", b"/status"):
        assert (await sender.ask(request(b"GET " + path))).code == "route_unknown"


async def test_it_says_what_can_be_asked(proxy: Running) -> None:
    """For whoever opens it in a browser."""
    status, text = await proxy.ask_admin("/")
    assert (status, text.splitlines()) == (
        200,
        ["GET /", "GET /livez", "GET /readyz", "GET /metrics", "GET /status", "PUT /log-level"],
    )
