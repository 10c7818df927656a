"""Spans from begin to collector; what the SDK has to say about it goes to our log, or nowhere."""

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
from tests.fakes.heads import request_head
from tests.fakes.traces import Events, MemoryTraces
from tests.fakes.upstream import PATIENCE

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01".encode()


def begun(traces: SpanTraces, *fields: tuple[bytes, bytes]) -> ExchangeRecord:
    """The account of a request that has come."""
    record = ExchangeRecord("id-1", "POST", b"/orders")
    traces.began(record, request_head(b"POST /orders HTTP/1.0", *fields), secure=False)
    return record


def ours(record: ExchangeRecord) -> tuple[str, str]:
    """(trace, span) of its span, in hexadecimal."""
    context = cast("Span", record.span).get_span_context()
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


async def test_a_span_hangs_below_the_senders_and_the_upstreams_below_it() -> None:
    """One trace, three spans; the state goes on as it came."""
    traces = MemoryTraces()
    record = begun(traces, (b"traceparent", PARENT), (b"tracestate", b"a=1,  b=2"))
    trace, span = ours(record)
    assert (trace, record.trace) == (
        TRACE,
        (f"traceparent: 00-{TRACE}-{span}-01".encode(), b"tracestate: a=1,  b=2"),
    )
    traces.finished(record)
    (ended,) = traces.spans
    assert ended.parent is not None
    assert f"{ended.parent.span_id:016x}" == "b7ad6b7169203331"


@pytest.mark.parametrize(
    "malformed",
    [b"", b"00-xyz", PARENT + b"-01", PARENT.upper(), b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01", b"\xff" * 9999],
)
async def test_a_malformed_parent_is_as_none(malformed: bytes) -> None:
    """A trace of our own begins; the state of one that nobody can read ends here (W3C Trace Context §3.3)."""
    traces = MemoryTraces()
    record = begun(traces, (b"traceparent", malformed), (b"tracestate", b"a=1"))
    trace, span = ours(record)
    assert trace != TRACE
    (line,) = record.trace
    assert line.startswith(f"traceparent: 00-{trace}-{span}-0".encode())
    traces.finished(record)
    assert traces.spans[0].parent is None


async def test_what_the_sender_does_not_want_sampled_is_not() -> None:
    """Its flag goes on; no span is exported."""
    traces = MemoryTraces()
    record = begun(traces, (b"traceparent", PARENT[:-1] + b"0"))
    assert record.trace[0].endswith(b"-00")
    traces.finished(record)
    assert not traces.spans


async def test_a_sampler_may_say_no_to_what_begins_here() -> None:
    """Then the upstream hears so."""
    provider = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
    events = Events()
    traces = SpanTraces(provider, Losses(events, asyncio.get_running_loop()), SdkLog())
    record = begun(traces)
    assert record.trace[0].endswith((b"-00", b"-02"))
    traces.finished(record)
    await traces.close()
    assert not events.warnings


async def test_5xx_are_errors_with_our_sentence() -> None:
    """Where there is one of ours."""
    traces = MemoryTraces()
    record = begun(traces)
    record.failed(GrantUnavailable("Later."))
    traces.finished(record)
    (ended,) = traces.spans
    assert (ended.status.status_code.name, ended.status.description) == ("ERROR", "Later.")


async def test_what_never_became_a_request_has_no_span() -> None:
    """Its account may be closed all the same."""
    traces = MemoryTraces()
    traces.finished(ExchangeRecord("id-1", ""))
    assert not traces.spans


def test_the_service_has_our_name_unless_a_variable_gives_it_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Either of the two variables."""
    assert resource().attributes["service.name"] == "cpi-oauth-proxy"
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=one,deployment.environment.name=test")
    assert resource().attributes["service.name"] == "one"
    assert resource().attributes["deployment.environment.name"] == "test"
    monkeypatch.setenv("OTEL_SERVICE_NAME", "two")
    assert resource().attributes["service.name"] == "two"


class Refusing(SpanExporter):
    """Takes nothing; the first export waits until it may go on."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Fail, in time."""
        del spans
        self.begun.set()
        self.go.wait(PATIENCE)
        return SpanExportResult.FAILURE


def lost(events: Events) -> list[tuple[int, str]]:
    """(spans, reason) of each line about it."""
    return [(fields["spans"], fields["reason"]) for name, fields in events.warnings if name == "traces.not_exported"]


async def test_spans_that_the_collector_refuses_are_told() -> None:
    """How many."""
    events, exporter = Events(), Refusing()
    exporter.go.set()
    losses, words = Losses(events, asyncio.get_running_loop()), SdkLog()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(CountingExporter(exporter, losses, words)))
    traces = SpanTraces(provider, losses, words)
    for _ in range(3):
        traces.finished(begun(traces))
    await traces.close()
    assert lost(events) == [(1, ""), (2, "")]


async def test_spans_that_find_the_queue_full_are_told() -> None:
    """While the collector keeps us waiting."""
    events, exporter, words = Events(), Refusing(), SdkLog()
    losses = Losses(events, asyncio.get_running_loop())
    words.capture()
    words.losses = losses
    provider = TracerProvider(shutdown_on_exit=False)
    processor = BatchSpanProcessor(CountingExporter(exporter, losses, words), max_queue_size=1, max_export_batch_size=1)
    provider.add_span_processor(processor)
    traces = SpanTraces(provider, losses, words)
    traces.finished(begun(traces))
    assert await asyncio.to_thread(exporter.begun.wait, PATIENCE)
    for _ in range(2):
        traces.finished(begun(traces))
    exporter.go.set()
    await traces.close()
    assert lost(events)[0] == (1, "queue full")
    assert sum(spans for spans, _ in lost(events)) == 3


async def test_stopping_does_not_wait_for_a_collector_that_hangs() -> None:
    """The patience is over at once here."""
    events, exporter = Events(), Refusing()
    losses, words = Losses(events, asyncio.get_running_loop()), SdkLog()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(CountingExporter(exporter, losses, words)))
    traces = SpanTraces(provider, losses, words)
    words.capture()
    for _ in range(3):
        traces.finished(begun(traces))
    await traces.close(patience=0)
    assert lost(events) == [(3, "no answer")]
    assert not logging.getLogger("opentelemetry").propagate
    words.restore()
    exporter.go.set()


class Answering(BaseHTTPRequestHandler):
    """A collector with one answer, which shows what it was sent."""

    def do_POST(self) -> None:
        """Refuse."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(401, f"no {self.headers['x-key']}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
async def refusing(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """The URL of a collector that refuses everybody; the variables name it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=s3cr3t-key")
    monkeypatch.setenv("no_proxy", "127.0.0.1")  # also where this machine has a corporate proxy
    yield url
    await asyncio.to_thread(server.shutdown)
    await asyncio.to_thread(thread.join)
    server.server_close()


async def test_a_refusal_is_told_by_its_status_and_nothing_else(
    refusing: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """The SDK's own line would show what the collector has answered."""
    assert refusing
    events = Events()
    traces = await asyncio.to_thread(exporting_traces, events, asyncio.get_running_loop())
    traces.finished(begun(traces))
    await traces.close()
    assert events.warnings == [("traces.not_exported", {"spans": 1, "reason": "status 401"})]
    assert (capfd.readouterr().err, caplog.text) == ("", "")


async def test_variables_that_the_sdk_does_not_understand_are_told_without_their_values(
    refusing: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A header that is none, a sampler that nobody knows: the SDK goes on with what is usual, and so do we."""
    assert refusing
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "s3cr3t-key")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "sometimes")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "s3cr3t")
    events = Events()
    traces = await asyncio.to_thread(exporting_traces, events, asyncio.get_running_loop())
    await traces.close()
    assert {event for event, _ in events.warnings} == {"traces.questioned"}
    said = " ".join(fields["said"] for _, fields in events.warnings)
    assert "Header format invalid" in said
    assert "sampler" in said
    assert "OTEL_BSP_SCHEDULE_DELAY" in said
    assert "s3cr3t" not in said + capfd.readouterr().err


def test_of_a_line_of_the_sdk_only_a_status_or_an_errors_kind_is_taken() -> None:
    """Texts may show anything."""
    make = logging.LogRecord
    assert reason_of(make("o", 30, "", 0, "%s %s %s", ("spans", 503, "s3cr3t"), None)) == "status 503"
    assert reason_of(make("o", 30, "", 0, "%s", (ValueError("s3cr3t"),), None)) == "ValueError"
    assert reason_of(make("o", 30, "", 0, "%s", ("s3cr3t",), None)) == ""
    assert reason_of(make("o", 30, "", 0, "s3cr3t", None, None)) == ""


async def test_no_sender_can_make_up_a_reason() -> None:
    """The SDK logs that a traceparent is too long, with a number."""
    traces, words = MemoryTraces(), SdkLog()
    words.losses = Losses(Events(), asyncio.get_running_loop())
    words.capture()
    begun(traces, (b"traceparent", b"0" * 9999))
    words.restore()
    assert not words.reason


async def test_the_loggers_are_as_before_when_it_is_over(refusing: str) -> None:
    """Whoever else uses OpenTelemetry in this process hears it again."""
    assert refusing
    logger = logging.getLogger("opentelemetry")
    before = (logger.propagate, list(logger.handlers))
    traces = await asyncio.to_thread(exporting_traces, Events(), asyncio.get_running_loop())
    assert not logger.propagate
    await traces.close()
    assert (logger.propagate, list(logger.handlers)) == before
