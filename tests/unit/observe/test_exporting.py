"""Spans to the collector, and the SDK's own log."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import Span

from proxy.errors import GrantUnavailable
from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.exporting import CountingExporter, SdkLog, SpanTraces, exporting_traces, reason_of, resource
from proxy.observe.losses import Losses
from tests.cases import cases
from tests.fakes.heads import request_head
from tests.fakes.traces import Events, MemoryTraces
from tests.fakes.upstream import PATIENCE

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01".encode()


def begun(traces: SpanTraces, *fields: tuple[bytes, bytes]) -> ExchangeRecord:
    """With a span."""
    record = ExchangeRecord("id-1", "POST", b"/orders")
    traces.began(record, request_head(b"POST /orders HTTP/1.0", *fields), secure=False)
    return record


def export_to(exporter: SpanExporter, events: Events, *, batch: bool = True, **options: int) -> SpanTraces:
    """The SDK's log is captured."""
    losses, sdk_log = Losses(events, asyncio.get_running_loop()), SdkLog()
    sdk_log.capture()
    sdk_log.losses = losses
    provider, counting = TracerProvider(shutdown_on_exit=False), CountingExporter(exporter, losses, sdk_log)
    provider.add_span_processor(
        BatchSpanProcessor(counting, **options) if batch else SimpleSpanProcessor(counting)  # type: ignore[arg-type]
    )
    return SpanTraces(provider, losses, sdk_log)


def ours(record: ExchangeRecord) -> tuple[str, str]:
    """(trace, span) in hexadecimal."""
    context = cast("Span", record.span).get_span_context()
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


async def test_a_span_is_the_senders_child_and_the_upstreams_parent() -> None:
    """The trace state is passed on."""
    traces = MemoryTraces()
    record = begun(traces, (b"traceparent", PARENT), (b"tracestate", b"a=1,  b=2"))
    trace, span = ours(record)
    assert trace == TRACE
    assert record.trace == (f"traceparent: 00-{TRACE}-{span}-01".encode(), b"tracestate: a=1,  b=2")
    traces.finished(record)
    (ended,) = traces.spans
    assert ended.parent is not None
    assert f"{ended.parent.span_id:016x}" == "b7ad6b7169203331"


@cases(
    "malformed",
    b"",
    b"00-xyz",
    PARENT + b"-01",
    PARENT.upper(),
    b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01",
    b"\xff" * 9999,
)
async def test_a_malformed_parent_counts_as_none(malformed: bytes) -> None:
    """With its state (W3C Trace Context §3.3)."""
    traces = MemoryTraces()
    record = begun(traces, (b"traceparent", malformed), (b"tracestate", b"a=1"))
    trace, span = ours(record)
    assert trace != TRACE
    (line,) = record.trace
    assert line.startswith(f"traceparent: 00-{trace}-{span}-0".encode())
    traces.finished(record)
    assert traces.spans[0].parent is None


async def test_a_sender_can_turn_sampling_off() -> None:
    """Its flag is passed on."""
    traces = MemoryTraces()
    record = begun(traces, (b"traceparent", PARENT[:-1] + b"0"))
    assert record.trace[0].endswith(b"-00")
    traces.finished(record)
    assert not traces.spans


async def test_a_sampler_can_turn_sampling_off() -> None:
    """No loss is reported."""
    provider = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
    events = Events()
    traces = SpanTraces(provider, Losses(events, asyncio.get_running_loop()), SdkLog())
    record = begun(traces)
    assert record.trace[0].endswith((b"-00", b"-02"))
    traces.finished(record)
    await traces.close()
    assert not events.warnings


async def test_5xx_are_errors_with_the_detail() -> None:
    """A failure of the proxy has it."""
    traces = MemoryTraces()
    record = begun(traces)
    record.failed(GrantUnavailable("Later."))
    traces.finished(record)
    (ended,) = traces.spans
    assert ended.status.status_code.name == "ERROR"
    assert ended.status.description == "Later."


async def test_what_never_became_a_request_has_no_span() -> None:
    """Observers see its record."""
    traces = MemoryTraces()
    traces.finished(ExchangeRecord("id-1", ""))
    assert not traces.spans


@cases(
    "variables, name",
    ({}, "cpi-oauth-proxy"),
    ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=one,a=b"}, "one"),
    ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=one,a=b", "OTEL_SERVICE_NAME": "two"}, "two"),
)
def test_variables_name_the_service(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], name: str) -> None:
    """Else it is the product."""
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    assert resource().attributes["service.name"] == name
    assert resource().attributes.get("a") == ("b" if variables else None)


class Refusing(SpanExporter):
    """Each waits for `go`."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        del spans
        self.begun.set()
        self.go.wait(PATIENCE)
        return SpanExportResult.FAILURE


def lost(events: Events) -> list[tuple[int, str]]:
    """(spans, reason) of each line."""
    return [(fields["spans"], fields["reason"]) for name, fields in events.warnings if name == "traces.not_exported"]


async def test_refused_spans_are_counted() -> None:
    """One at once, the rest at the end."""
    events, exporter = Events(), Refusing()
    exporter.go.set()
    traces = export_to(exporter, events, batch=False)
    for _ in range(3):
        traces.finished(begun(traces))
    await traces.close()
    assert lost(events) == [(1, ""), (2, "")]


async def test_spans_that_find_the_queue_full_are_counted() -> None:
    """By a slow collector."""
    events, exporter = Events(), Refusing()
    traces = export_to(exporter, events, max_queue_size=1, max_export_batch_size=1)
    traces.finished(begun(traces))
    assert await asyncio.to_thread(exporter.begun.wait, PATIENCE)
    for _ in range(2):
        traces.finished(begun(traces))
    exporter.go.set()
    await traces.close()
    assert lost(events)[0] == (1, "queue full")
    assert sum(spans for spans, _ in lost(events)) == 3


async def test_closing_does_not_wait_for_a_collector_that_hangs() -> None:
    """The SDK may still log."""
    events, exporter = Events(), Refusing()
    traces = export_to(exporter, events)
    for _ in range(3):
        traces.finished(begun(traces))
    await traces.close(patience=0)
    assert lost(events) == [(3, "no answer")]
    assert not logging.getLogger("opentelemetry").propagate
    traces._sdk_log.restore()
    exporter.go.set()


class Answering(BaseHTTPRequestHandler):
    """Refuses everything, and quotes its key."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(401, f"no {self.headers['x-key']}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
async def _refusing(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """A collector, named by variables."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=s3cr3t-key")
    monkeypatch.setenv("no_proxy", "127.0.0.1")  # also where this machine has a corporate proxy
    yield
    await asyncio.to_thread(server.shutdown)
    await asyncio.to_thread(thread.join)
    server.server_close()


async def opened(events: Events) -> SpanTraces:
    """As the variables say."""
    return await asyncio.to_thread(exporting_traces, events, asyncio.get_running_loop())


@pytest.mark.usefixtures("_refusing")
async def test_a_refusal_is_logged_by_its_status_alone(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """The SDK's line would quote the collector."""
    events = Events()
    traces = await opened(events)
    traces.finished(begun(traces))
    await traces.close()
    assert events.warnings == [("traces.not_exported", {"spans": 1, "reason": "status 401"})]
    assert capfd.readouterr().err == ""
    assert caplog.text == ""


@pytest.mark.usefixtures("_refusing")
async def test_invalid_variables_are_logged_without_their_values(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Defaults are used."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "s3cr3t-key")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "sometimes")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "s3cr3t")
    events = Events()
    await (await opened(events)).close()
    assert {event for event, _ in events.warnings} == {"traces.questioned"}
    said = " ".join(fields["said"] for _, fields in events.warnings)
    for words in ("Header format invalid", "sampler", "OTEL_BSP_SCHEDULE_DELAY"):
        assert words in said
    assert "s3cr3t" not in said + capfd.readouterr().err


@cases(
    "args, reason",
    (("spans", 503, "s3cr3t"), "status 503"),
    ((ValueError("s3cr3t"),), "ValueError"),
    (("s3cr3t",), ""),
    (None, ""),
)
def test_a_reason_is_a_status_or_the_type_of_an_error(args: tuple[object, ...] | None, reason: str) -> None:
    """Texts may contain anything."""
    assert reason_of(logging.LogRecord("o", 30, "", 0, "%s", args, None)) == reason


async def test_no_sender_can_make_up_a_reason() -> None:
    """Long traceparents are logged as numbers."""
    traces = export_to(Refusing(), Events())
    begun(traces, (b"traceparent", b"0" * 9999))
    assert not traces._sdk_log.reason
    await traces.close()


@pytest.mark.usefixtures("_refusing")
async def test_closing_restores_the_sdks_logger() -> None:
    """Others in this process need it."""
    logger = logging.getLogger("opentelemetry")
    before = (logger.propagate, list(logger.handlers))
    traces = await opened(Events())
    assert not logger.propagate
    await traces.close()
    assert (logger.propagate, list(logger.handlers)) == before
