"""With a collector each exchange is one span: below the sender's, above the upstream's, and without a secret."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind

from proxy.sandbox.tenant import Tenant
from tests.fakes.authorization_server import AuthorizationServer, refused
from tests.fakes.sender import request
from tests.fakes.traces import MemoryTraces
from tests.fakes.upstream import Held, Upstream, answer
from tests.flow.running import Running, Serve, document, tenant_document

TRACE, PARENT_SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"traceparent: 00-{TRACE}-{PARENT_SPAN}-01".encode()


@pytest.fixture
async def traces() -> MemoryTraces:
    """Spans that can be read."""
    return MemoryTraces()


@pytest.fixture
async def proxy(serve: Serve, upstream: Upstream, authority: AuthorizationServer) -> Running:
    """One route, `/orders`."""
    return await serve(document(upstream, authority))


def ids(span: ReadableSpan) -> tuple[str, str]:
    """(trace, span) in hexadecimal."""
    assert span.context is not None
    return f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"


def said(span: ReadableSpan) -> Mapping[str, Any]:
    """Its attributes."""
    assert span.attributes is not None
    return span.attributes


async def test_it_hangs_between_the_senders_and_the_upstreams(
    proxy: Running, upstream: Upstream, traces: MemoryTraces
) -> None:
    """In place of the sender's traceparent stands ours; its tracestate and baggage go on as they came."""
    fields = (PARENT, b"TraceState: congo=t61rcWkgMzE", b"tracestate: rojo=1", b"baggage: a=1")
    await (await proxy.sender()).ask(request(b"POST /orders/new?key=cAnAry-query", *fields, body=b"x"))
    (span,) = await traces.reach()
    assert (ids(span)[0], span.name, span.kind) == (TRACE, "POST orders", SpanKind.SERVER)
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == PARENT_SPAN
    assert upstream.requests[0].lines[1:] == [
        b"baggage: a=1",
        b"Via: 1.1 here",
        f"traceparent: 00-{TRACE}-{ids(span)[1]}-01".encode(),
        b"tracestate: congo=t61rcWkgMzE",
        b"tracestate: rojo=1",
        b"Authorization: Bearer token-1",
        b"Content-Length: 1",
    ]


async def test_it_says_what_the_line_of_the_log_says(proxy: Running, upstream: Upstream, traces: MemoryTraces) -> None:
    """The same numbers, under the names of the conventions."""
    upstream.script[0] = answer(200, b"SAP_MessageProcessingLogID: mpl-1", body=b"taken")
    await (await proxy.sender()).ask(request(b"POST /orders/new?key=cAnAry-query", b"X-Request-ID: mine", body=b"x"))
    line, (span,) = await proxy.record(), await traces.reach()
    told = {name.removeprefix("cpi_proxy."): value for name, value in said(span).items()}
    for name in ("request_id", "route", "oauth_client", "made_by", "attempts", "token", "mpl_id"):
        assert told[name] == line[name]
    for name in ("token_seconds", "connect_seconds", "first_byte_seconds", "relay_seconds"):
        assert told[name] == pytest.approx(line[name], abs=1e-6)
    assert (told["url.path"], told["http.response.status_code"]) == ("/orders/new", 200)
    assert (told["http.request.body.size"], told["http.response.body.size"]) == (1, 5)


async def test_heads_that_came_before_have_spans_of_their_own(
    proxy: Running, upstream: Upstream, traces: MemoryTraces
) -> None:
    """Nothing of an earlier exchange's traceparent is in a later one."""
    sender = await proxy.sender()
    for _ in range(4):
        await sender.ask(request(b"GET /orders", PARENT))
    spans = await traces.reach(4)
    sent = [each.field(b"traceparent") for each in upstream.requests]
    assert sent == [[f"00-{TRACE}-{ids(span)[1]}-01".encode()] for span in spans]
    assert len({ids(span) for span in spans}) == 4


async def test_a_replay_belongs_to_the_same_span(proxy: Running, upstream: Upstream, traces: MemoryTraces) -> None:
    """Which says why there was one."""
    sender = await proxy.sender()
    await sender.ask(request(b"POST /orders", body=b"x"))
    proxy.clock.advance(60)
    upstream.script.appendleft(answer(401))
    await sender.ask(request(b"POST /orders", PARENT, body=b"x"))
    span = (await traces.reach(2))[1]
    ours = f"00-{TRACE}-{ids(span)[1]}-01".encode()
    assert [each.field(b"traceparent") for each in upstream.requests[-2:]] == [[ours], [ours]]
    assert (said(span)["cpi_proxy.attempts"], said(span)["cpi_proxy.replays"]) == (2, "renew_token")


async def test_a_malformed_traceparent_begins_a_trace(proxy: Running, upstream: Upstream, traces: MemoryTraces) -> None:
    """The upstream sees one traceparent only, and no state that belongs to none."""
    fields = (b"traceparent: 00-xyz", b"Traceparent: " + PARENT.partition(b": ")[2], b"tracestate: a=1")
    for each in (fields[:1], fields, fields[2:]):
        await (await proxy.sender()).ask(request(b"GET /orders", *each))
    spans = await traces.reach(3)
    for span, received in zip(spans, upstream.requests, strict=True):
        assert span.parent is None
        assert ids(span)[0] != TRACE
        (told,) = received.field(b"traceparent")
        assert told.startswith("-".join(("00", *ids(span), "")).encode())
        assert received.field(b"tracestate") == []


async def test_fields_that_a_route_sets_or_drops_make_no_second_one(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, traces: MemoryTraces
) -> None:
    """Where there are spans these two fields are theirs."""
    rules: dict[str, Any] = {"set_fields": {"TraceParent": "x", "X-Set": "1"}, "drop_fields": ["tracestate"]}
    proxy = await serve(document(upstream, authority, **rules))
    await (await proxy.sender()).ask(request(b"GET /orders", PARENT, b"tracestate: a=1"))
    (span,) = await traces.reach()
    received = upstream.requests[0]
    assert received.field(b"traceparent") == [f"00-{TRACE}-{ids(span)[1]}-01".encode()]
    assert (received.field(b"tracestate"), received.field(b"x-set")) == ([b"a=1"], [b"1"])


async def test_what_the_sender_does_not_sample_is_not_exported(
    proxy: Running, upstream: Upstream, traces: MemoryTraces
) -> None:
    """The upstream hears so."""
    sender = await proxy.sender()
    await sender.ask(request(b"GET /orders", PARENT[:-1] + b"0"))
    await sender.ask(request(b"GET /orders", PARENT))
    (span,) = await traces.reach()
    assert ids(span)[1].encode() in upstream.requests[1].field(b"traceparent")[0]
    assert [each.field(b"traceparent")[0][-3:] for each in upstream.requests] == [b"-00", b"-01"]


async def test_a_refusal_without_a_route_is_a_span(proxy: Running, traces: MemoryTraces) -> None:
    """With our code; octets that are no request make none."""
    await (await proxy.sender()).ask(request(b"GET /nowhere?key=cAnAry-query", PARENT))
    assert (await (await proxy.sender()).ask(b"no http\r\n\r\n")).code == "request_malformed"
    await proxy.accounts(2)
    (span,) = traces.spans
    assert (span.name, ids(span)[0], span.status.status_code.name) == ("GET", TRACE, "UNSET")
    told = said(span)
    assert (told["error.type"], told["http.response.status_code"], told["cpi_proxy.made_by"]) == (
        "route_unknown",
        404,
        "proxy",
    )


async def test_a_failure_of_the_upstream_is_an_error_with_its_status(
    proxy: Running, upstream: Upstream, traces: MemoryTraces
) -> None:
    """As the sender gets it."""
    upstream.script[0] = answer(500)
    await (await proxy.sender()).ask(request(b"POST /orders", body=b"x"))
    (span,) = await traces.reach()
    assert (span.status.status_code.name, said(span)["error.type"]) == ("ERROR", "500")


async def test_a_grant_that_fails_is_an_error_with_our_code(
    serve: Serve, upstream: Upstream, traces: MemoryTraces
) -> None:
    """Nothing reached the upstream."""
    async with AuthorizationServer(refused(401, error="invalid_client")) as authority:
        proxy = await serve(document(upstream, authority))
        await (await proxy.sender()).ask(request(b"POST /orders", body=b"x"))
    (span,) = await traces.reach()
    assert (span.status.status_code.name, said(span)["error.type"]) == ("ERROR", "grant_rejected")
    assert (said(span)["cpi_proxy.attempts"], upstream.requests) == (0, [])


async def test_a_sender_that_leaves_ends_the_span(proxy: Running, upstream: Upstream, traces: MemoryTraces) -> None:
    """When the exchange ends: 499, and no error of ours."""
    upstream.script[0] = held = Held()
    sender = await proxy.sender()
    await sender.send(request(b"POST /orders", body=b"x"))
    await upstream.reach(1)
    sender.leave()
    held.go.set()
    (span,) = await traces.reach()
    told = said(span)
    assert (told["http.response.status_code"], told["error.type"], told["cpi_proxy.made_by"]) == (
        499,
        "sender_left",
        "sender",
    )
    assert span.status.status_code.name == "UNSET"


async def test_spans_go_on_with_another_configuration(
    proxy: Running, upstream: Upstream, authority: AuthorizationServer, traces: MemoryTraces
) -> None:
    """They belong to the process."""
    await proxy.reload(document(upstream, authority, name="later"))
    await (await proxy.sender()).ask(request(b"GET /orders", PARENT))
    (span,) = await traces.reach()
    assert (span.name, len(upstream.requests[0].field(b"traceparent"))) == ("GET later", 1)


async def test_no_secret_is_in_a_span(serve: Serve, tenant: Tenant, traces: MemoryTraces, ca_file: Path) -> None:
    """`serve` looks for the canaries in all spans when the test is over; here is what it must not find."""
    proxy = await serve(tenant_document(tenant, ca_file))
    fields = (b"Authorization: Basic cAnAry-basic-cred", b"Cookie: MYSAPSSO2=cAnAry-ticket", b"X-API-Key: cAnAry-key")
    await (await proxy.sender()).ask(request(b"POST /http/orders?apikey=cAnAry-query", *fields, body=b"cAnAry-body"))
    await traces.reach()
    assert "url.path" in traces.text
    assert "cAnAry" not in traces.text
