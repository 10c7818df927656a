"""Exports spans with OpenTelemetry's SDK, which only this module loads; a thread of the SDK sends them."""

import asyncio
import logging
import re
import threading
from collections.abc import Sequence
from contextlib import suppress

from opentelemetry.context import Context as SpanContext
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from proxy import __version__
from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.logger import Logger
from proxy.observe.losses import Losses
from proxy.observe.observers import ObservedHead
from proxy.observe.spans import TraceContext, beginning, ending, failed, span_name, trace_lines
from proxy.timeouts import timeout

NAME = "cpi-oauth-proxy"
"The service's name unless a variable sets another."
PATIENCE = 3.0
"Seconds at shutdown for a collector that does not answer."
ROOT = SpanContext()
"The parent if the sender names none."
QUEUE = "opentelemetry.sdk._shared_internal"
"The logger that reports a full queue."
EXPORTER = "opentelemetry.exporter."
"The loggers that report why sending failed."
VARIABLE = re.compile(r"OTEL_[A-Z_]+")


def exporting_traces(log: Logger, loop: asyncio.AbstractEventLoop) -> "SpanTraces":
    """Returns traces to the collector that the variables name; raises ValueError and others if they are not valid."""
    losses, sdk_log = Losses(log, loop), SdkLog()
    sdk_log.capture()
    try:
        provider = TracerProvider(resource=resource(), shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(CountingExporter(OTLPSpanExporter(), losses, sdk_log)))
    except BaseException:
        sdk_log.restore()
        raise
    for said in dict.fromkeys(sdk_log.questions):
        log.warning("traces.questioned", said=said)
    sdk_log.losses = losses
    return SpanTraces(provider, losses, sdk_log)


def resource() -> Resource:
    """Returns name and version of the service; the variables have precedence."""
    configured = OTELResourceDetector().detect().attributes
    return Resource.create({"service.name": NAME, "service.version": __version__, **configured})


class SpanTraces:
    """Makes one span per exchange; its phases are attributes, not spans of their own."""

    def __init__(self, provider: TracerProvider, losses: Losses, sdk_log: "SdkLog") -> None:
        self._provider = provider
        self._losses = losses
        self._sdk_log = sdk_log
        self._tracer = provider.get_tracer(NAME, __version__)
        self._propagator = TraceContextTextMapPropagator()

    def began(self, record: ExchangeRecord, head: ObservedHead, *, secure: bool) -> None:
        """Starts a span below the sender's, if its trace context is valid, and passes ours on to the upstream."""
        received, parent = TraceContext.of(head.fields.pairs()), ROOT
        if received.parent:
            parent = self._propagator.extract(received.carrier, ROOT)
        span = self._tracer.start_span(
            span_name(record),
            context=parent,
            kind=SpanKind.SERVER,
            attributes=beginning(record, minor=head.minor, secure=secure),
        )
        ours, state = span.get_span_context(), () if parent is ROOT else received.state
        record.traced(span, trace_lines(ours.trace_id, ours.span_id, ours.trace_flags, state))

    def finished(self, record: ExchangeRecord) -> None:
        """Ends the span with its attributes; a request that never became an exchange has no span."""
        span = record.span
        if span is None:
            return
        if span.is_recording():
            span.update_name(span_name(record))
            span.set_attributes(ending(record))
            if failed(record):
                span.set_status(StatusCode.ERROR, record.detail or None)
        span.end()
        self._losses.made += span.get_span_context().trace_flags.sampled

    async def close(self, patience: float = PATIENCE) -> None:
        """Sends the spans that are left, in a daemon thread: a collector that hangs must not delay the shutdown."""
        loop, sent = asyncio.get_running_loop(), asyncio.Event()

        def shut_down() -> None:
            self._provider.shutdown()
            with suppress(RuntimeError):  # the loop has ended, nothing waits any more
                loop.call_soon_threadsafe(sent.set)

        threading.Thread(target=shut_down, name="last spans", daemon=True).start()
        with suppress(TimeoutError):
            async with timeout(patience):
                await sent.wait()
        self._losses.close(self._sdk_log.reason or "no answer")
        if sent.is_set():  # otherwise the SDK may still log
            self._sdk_log.restore()


class CountingExporter(SpanExporter):
    """Wraps an exporter, and counts what it accepts and what it loses."""

    def __init__(self, exporter: SpanExporter, losses: Losses, sdk_log: "SdkLog") -> None:
        self._exporter = exporter
        self._losses = losses
        self._sdk_log = sdk_log

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Exports the spans; called in the SDK's thread."""
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self._losses.accepted += len(spans)
        else:
            self._losses.lose(len(spans), self._sdk_log.reason)
        return result

    def shutdown(self) -> None:
        """Closes the wrapped exporter."""
        self._exporter.shutdown()


class SdkLog(logging.Handler):
    """Keeps the SDK's log off standard error, because it shows headers and answers; extracts what is safe to log."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.questions: list[str] = []
        "Message templates logged during set-up, without their values."
        self.reason = ""
        "Why sending failed last; never holds a secret."
        self.losses: Losses | None = None
        "Set when set-up is complete."
        self._logger = logging.getLogger("opentelemetry")

    def capture(self) -> None:
        """Takes over the SDK's logger."""
        self._logger.addHandler(self)
        self._logger.propagate = False

    def restore(self) -> None:
        """Restores the SDK's logger."""
        self._logger.removeHandler(self)
        self._logger.propagate = True

    def emit(self, record: logging.LogRecord) -> None:
        """Reads one record of the SDK; called in any thread."""
        if self.losses is None:
            self.questions.append(question_of(record))
        elif record.name == QUEUE and record.exc_info is None:
            self.losses.lose(1, "queue full")
        elif record.name.startswith(EXPORTER):  # other loggers quote what senders have sent
            self.reason = reason_of(record) or self.reason


def question_of(record: logging.LogRecord) -> str:
    """Returns the template of a message about a setting, with names of variables but no other values."""
    args = record.args if isinstance(record.args, tuple) else ()
    names = [each for each in args if isinstance(each, str) and VARIABLE.fullmatch(each)]
    return " ".join([str(record.msg), *names])


def reason_of(record: logging.LogRecord) -> str:
    """Returns a status or the type of an error; message texts may contain anything."""
    for each in record.args if isinstance(record.args, tuple) else ():
        if isinstance(each, int):
            return f"status {each}"
        if isinstance(each, BaseException):
            return type(each).__name__
    return ""
