"""Spans in memory, and a log of events."""

import asyncio
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from proxy.observe.exporting import CountingExporter, SdkLog, SpanTraces
from proxy.observe.losses import Losses
from tests.fakes.upstream import PATIENCE


class Events:
    """A logger that keeps."""

    def __init__(self) -> None:
        self.warnings: list[tuple[str, dict[str, Any]]] = []

    def warning(self, event: str, **fields: Any) -> None:
        self.warnings.append((event, fields))

    debug = info = error = warning


class MemoryTraces(SpanTraces):
    """Finished spans are kept, not sent."""

    def __init__(self) -> None:
        self._memory = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        losses, sdk_log = Losses(Events(), asyncio.get_running_loop()), SdkLog()
        provider.add_span_processor(SimpleSpanProcessor(CountingExporter(self._memory, losses, sdk_log)))
        super().__init__(provider, losses, sdk_log)

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._memory.get_finished_spans()

    async def reach(self, count: int = 1) -> tuple[ReadableSpan, ...]:
        """The sender has its answer a little earlier."""
        async with asyncio.timeout(PATIENCE):
            while len(self.spans) < count:  # noqa: ASYNC110 - the exporter has no event to wait for
                await asyncio.sleep(0)
        return self.spans

    @property
    def text(self) -> str:
        return "\n".join(span.to_json() for span in self.spans)
