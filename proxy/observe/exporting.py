"""Spans by OpenTelemetry's SDK, which this module alone loads: made in the event loop, sent by a thread of the SDK."""

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
from proxy.observe.spans import TraceContext, beginning, ending, failed, span_name, trace_lines
from proxy.observe.traces import Head
from proxy.timeouts import timeout

NAME = "cpi-oauth-proxy"
"Of the service, where no variable gives it another."
PATIENCE = 3.0
"Seconds at the stop for a collector that does not answer."
ROOT = SpanContext()
"Where no sender's span is known."
QUEUE = "opentelemetry.sdk._shared_internal"
"Who logs that more spans come than are sent."
EXPORTER = "opentelemetry.exporter."
"Who logs why nothing could be sent."
VARIABLE = re.compile(r"OTEL_[A-Z_]+")


def exporting_traces(log: Logger, loop: asyncio.AbstractEventLoop) -> "SpanTraces":
    """Spans to the collector that the variables name; ValueError and the like where they cannot be used."""
    losses, words = Losses(log, loop), SdkWords()
    words.listen()
    try:
        provider = TracerProvider(resource=resource(), shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(WatchedExporter(OTLPSpanExporter(), losses, words)))
    except BaseException:
        words.listen_no_more()
        raise
    for said in dict.fromkeys(words.said):
        log.warning("traces.questioned", said=said)
    words.losses = losses
    return SpanTraces(provider, losses, words)


def resource() -> Resource:
    """Who we are; what variables say about it comes first."""
    told = OTELResourceDetector().detect().attributes
    return Resource.create({"service.name": NAME, "service.version": __version__, **told})


class SpanTraces:
    """One span for each exchange; parts of an exchange have none, for its phases are said on it."""

    def __init__(self, provider: TracerProvider, losses: Losses, words: "SdkWords") -> None:
        self._provider = provider
        self._losses = losses
        self._words = words
        self._tracer = provider.get_tracer(NAME, __version__)
        self._propagator = TraceContextTextMapPropagator()

    def begin(self, record: ExchangeRecord, head: Head, *, secure: bool) -> None:
        """Below the sender's span, if it tells of one that can be read; the upstream's is to be below ours."""
        told, parent = TraceContext.of(head.fields.pairs()), ROOT
        if told.parent:
            parent = self._propagator.extract(told.carrier, ROOT)
        span = self._tracer.start_span(
            span_name(record),
            context=parent,
            kind=SpanKind.SERVER,
            attributes=beginning(record, minor=head.minor, secure=secure),
        )
        ours, state = span.get_span_context(), () if parent is ROOT else told.state
        record.traced(span, trace_lines(ours.trace_id, ours.span_id, ours.trace_flags, state))

    def end(self, record: ExchangeRecord) -> None:
        """Says what the exchange was, unless nobody will see it."""
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
        """Sends what is left, in a thread of its own: one that hangs in a send must not hold up the process's end."""
        loop, sent = asyncio.get_running_loop(), asyncio.Event()

        def shut_down() -> None:
            self._provider.shutdown()
            with suppress(RuntimeError):  # the loop has ended: nobody waits any more
                loop.call_soon_threadsafe(sent.set)

        threading.Thread(target=shut_down, name="last spans", daemon=True).start()
        with suppress(TimeoutError):
            async with timeout(patience):
                await sent.wait()
        self._losses.close(self._words.reason or "no answer")
        if sent.is_set():  # else the SDK may have a last word, for nobody
            self._words.listen_no_more()


class WatchedExporter(SpanExporter):
    """Another exporter, whose failures are told."""

    def __init__(self, exporter: SpanExporter, losses: Losses, words: "SdkWords") -> None:
        self._exporter = exporter
        self._losses = losses
        self._words = words

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """In the SDK's thread."""
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self._losses.taken += len(spans)
        else:
            self._losses.lose(len(spans), self._words.reason)
        return result

    def shutdown(self) -> None:
        """No more will come."""
        self._exporter.shutdown()


class SdkWords(logging.Handler):
    """What the SDK logs: kept from standard error, for it shows headers and answers; what is of use goes to our log."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []
        "While it is set up; without what would be filled in."
        self.reason = ""
        "Why nothing could be sent, as far as no secret can be in it."
        self.losses: Losses | None = None
        "Whom to tell, once it is set up."
        self._logger = logging.getLogger("opentelemetry")

    def listen(self) -> None:
        """From now on."""
        self._logger.addHandler(self)
        self._logger.propagate = False

    def listen_no_more(self) -> None:
        """All is as before."""
        self._logger.removeHandler(self)
        self._logger.propagate = True

    def emit(self, record: logging.LogRecord) -> None:
        """In whatever thread."""
        if self.losses is None:
            self.said.append(question_of(record))
        elif record.name == QUEUE and record.exc_info is None:
            self.losses.lose(1, "queue full")
        elif record.name.startswith(EXPORTER):  # others are about what senders have sent
            self.reason = reason_of(record) or self.reason


def question_of(record: logging.LogRecord) -> str:
    """What the SDK does not understand, without what would be filled in, but for names of variables."""
    args = record.args if isinstance(record.args, tuple) else ()
    names = [each for each in args if isinstance(each, str) and VARIABLE.fullmatch(each)]
    return " ".join([str(record.msg), *names])


def reason_of(record: logging.LogRecord) -> str:
    """A status or the kind of an error; texts of either may show anything."""
    for each in record.args if isinstance(record.args, tuple) else ():
        if isinstance(each, int):
            return f"status {each}"
        if isinstance(each, BaseException):
            return type(each).__name__
    return ""
