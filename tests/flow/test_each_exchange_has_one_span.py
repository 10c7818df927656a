"""If spans are enabled, each exchange is one span, between the sender's and the upstream's, and without a secret."""

from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind

from proxy.sandbox.tenant import Tenant
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import request
from tests.fakes.traces import MemoryTraces
from tests.fakes.upstream import Held, Upstream, answer
from tests.flow.running import POST, Orders, Running, Serve, document, tenant_document

TRACE, PARENT_SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"traceparent: 00-{TRACE}-{PARENT_SPAN}-01".encode()


@pytest.fixture
async def traces() -> MemoryTraces:
    """Spans in memory."""
    return MemoryTraces()


def ids(span: ReadableSpan) -> tuple[str, str]:
    """(trace, span) in hexadecimal."""
    assert span.context is not None
    return f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"


def told(span: ReadableSpan, *names: str) -> dict[str, Any]:
    """These attributes of a span; our own have no prefix."""
    assert span.attributes is not None
    found = {name.removeprefix("cpi_proxy."): value for name, value in span.attributes.items()}
    return {name: found[name] for name in names}


async def test_it_is_the_senders_child_and_the_upstreams_parent(
    plain: Running, upstream: Upstream, traces: MemoryTraces
) -> None:
    """Our traceparent replaces the sender's."""
    fields = (PARENT, b"TraceState: congo=t61rcWkgMzE", b"tracestate: rojo=1", b"baggage: a=1")
    await plain.ask(request(b"POST /orders/new?key=cAnAry-query", *fields, body=b"x"))
    (span,) = await traces.reach()
    assert ids(span)[0] == TRACE
    assert span.name == "POST orders"
    assert span.kind is SpanKind.SERVER
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


async def test_it_has_the_values_of_the_log_line(plain: Running, upstream: Upstream, traces: MemoryTraces) -> None:
    """The names are those of the semantic conventions."""
    upstream.follow(answer(200, b"SAP_MessageProcessingLogID: mpl-1", body=b"taken"))
    await plain.ask(request(b"POST /orders/new?key=cAnAry-query", b"X-Request-ID: mine", body=b"x"))
    line, (span,) = await plain.record(), await traces.reach()
    same = ("request_id", "route", "oauth_client", "made_by", "attempts", "token", "mpl_id")
    assert told(span, *same) == {name: line[name] for name in same}
    phases = [f"{phase}_seconds" for phase in ("token", "connect", "first_byte", "relay")]
    assert told(span, *phases) == pytest.approx({name: line[name] for name in phases}, abs=1e-6)
    conventional = {
        "url.path": "/orders/new",
        "http.response.status_code": 200,
        "http.request.body.size": 1,
        "http.response.body.size": 5,
    }
    assert told(span, *conventional) == conventional


async def test_equal_heads_have_spans_of_their_own(plain: Running, upstream: Upstream, traces: MemoryTraces) -> None:
    """Each traceparent names its own exchange."""
    sender = await plain.sender()
    for _ in range(4):
        await sender.ask(request(b"GET /orders", PARENT))
    spans = await traces.reach(4)
    sent = [each.field(b"traceparent") for each in upstream.requests]
    assert sent == [[f"00-{TRACE}-{ids(span)[1]}-01".encode()] for span in spans]
    assert len({ids(span) for span in spans}) == 4


async def test_a_replay_belongs_to_the_same_span(plain: Running, upstream: Upstream, traces: MemoryTraces) -> None:
    """The span has the reason."""
    sender = await plain.sender()
    await sender.ask(POST)
    plain.clock.advance(60)
    upstream.script.appendleft(answer(401))
    await sender.ask(request(b"POST /orders", PARENT, body=b"x"))
    span = (await traces.reach(2))[1]
    ours = f"00-{TRACE}-{ids(span)[1]}-01".encode()
    assert [each.field(b"traceparent") for each in upstream.requests[-2:]] == [[ours], [ours]]
    assert told(span, "attempts", "replays") == {"attempts": 2, "replays": "renew_token"}


async def test_a_malformed_traceparent_begins_a_trace(plain: Running, upstream: Upstream, traces: MemoryTraces) -> None:
    """The tracestate is dropped."""
    fields = (b"traceparent: 00-xyz", b"Traceparent: " + PARENT.partition(b": ")[2], b"tracestate: a=1")
    for each in (fields[:1], fields, fields[2:]):
        await plain.ask(request(b"GET /orders", *each))
    spans = await traces.reach(3)
    for span, received in zip(spans, upstream.requests, strict=True):
        assert span.parent is None
        assert ids(span)[0] != TRACE
        (line,) = received.field(b"traceparent")
        assert line.startswith("-".join(("00", *ids(span), "")).encode())
        assert received.field(b"tracestate") == []


async def test_a_route_cannot_set_or_drop_the_trace_context(
    orders: Orders, upstream: Upstream, traces: MemoryTraces
) -> None:
    """Its other fields are set."""
    rules: dict[str, Any] = {"set_fields": {"TraceParent": "x", "X-Set": "1"}, "drop_fields": ["tracestate"]}
    proxy = await orders(**rules)
    await proxy.ask(request(b"GET /orders", PARENT, b"tracestate: a=1"))
    (span,) = await traces.reach()
    received = upstream.requests[0]
    assert received.field(b"traceparent") == [f"00-{TRACE}-{ids(span)[1]}-01".encode()]
    assert received.field(b"tracestate") == [b"a=1"]
    assert received.field(b"x-set") == [b"1"]


async def test_an_exchange_that_the_sender_does_not_sample_is_not_exported(
    plain: Running, upstream: Upstream, traces: MemoryTraces
) -> None:
    """Its flag is passed on to the upstream."""
    sender = await plain.sender()
    await sender.ask(request(b"GET /orders", PARENT[:-1] + b"0"))
    await sender.ask(request(b"GET /orders", PARENT))
    (span,) = await traces.reach()
    assert ids(span)[1].encode() in upstream.requests[1].field(b"traceparent")[0]
    assert [each.field(b"traceparent")[0][-3:] for each in upstream.requests] == [b"-00", b"-01"]


def assert_ended(span: ReadableSpan, status: str, **attributes: object) -> None:
    """A span has this status and these attributes."""
    names = {"error": "error.type", "code": "http.response.status_code"}
    expected = {names.get(name, name): value for name, value in attributes.items()}
    assert told(span, *expected) == expected
    assert span.status.status_code.name == status


async def test_a_refusal_without_a_route_is_a_span(plain: Running, traces: MemoryTraces) -> None:
    """Bytes that are not a request are not."""
    await plain.ask(request(b"GET /nowhere?key=cAnAry-query", PARENT))
    assert (await plain.ask(b"no http\r\n\r\n")).code == "request_malformed"
    await plain.accounts(2)
    (span,) = traces.spans
    assert span.name == "GET"
    assert ids(span)[0] == TRACE
    assert_ended(span, "UNSET", error="route_unknown", code=404, made_by="proxy")


async def test_a_failure_of_the_upstream_is_an_error_with_its_status(
    plain: Running, upstream: Upstream, traces: MemoryTraces
) -> None:
    """The sender gets the same status."""
    upstream.follow(answer(500))
    await plain.ask(POST)
    (span,) = await traces.reach()
    assert_ended(span, "ERROR", error="500", code=500)


async def test_a_grant_that_fails_is_an_error_with_our_code(
    serve: Serve, upstream: Upstream, traces: MemoryTraces, refusing: AuthorizationServer
) -> None:
    """Nothing reaches the upstream."""
    proxy = await serve(document(upstream, refusing))
    await proxy.ask(POST)
    (span,) = await traces.reach()
    assert_ended(span, "ERROR", error="grant_rejected", attempts=0)
    assert upstream.requests == []


async def test_a_sender_that_leaves_is_not_an_error(plain: Running, upstream: Upstream, traces: MemoryTraces) -> None:
    """The span ends with the exchange."""
    upstream.follow(held := Held())
    sender = await plain.begin()
    await upstream.reach(1)
    sender.leave()
    held.go.set()
    (span,) = await traces.reach()
    assert_ended(span, "UNSET", error="sender_left", code=499, made_by="sender")


async def test_spans_continue_after_a_reload(
    plain: Running, upstream: Upstream, authority: AuthorizationServer, traces: MemoryTraces
) -> None:
    """Traces belong to the process."""
    await plain.reload(document(upstream, authority, name="later"))
    await plain.ask(request(b"GET /orders", PARENT))
    (span,) = await traces.reach()
    assert span.name == "GET later"
    assert len(upstream.requests[0].field(b"traceparent")) == 1


async def test_no_secret_is_in_a_span(serve: Serve, tenant: Tenant, traces: MemoryTraces, ca_file: Path) -> None:
    """`serve` searches all spans."""
    proxy = await serve(tenant_document(tenant, ca_file))
    fields = (b"Authorization: Basic cAnAry-basic-cred", b"Cookie: MYSAPSSO2=cAnAry-ticket", b"X-API-Key: cAnAry-key")
    await proxy.ask(request(b"POST /http/orders?apikey=cAnAry-query", *fields, body=b"cAnAry-body"))
    await traces.reach()
    assert "url.path" in traces.text
    assert "cAnAry" not in traces.text
