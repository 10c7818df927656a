"""Whether spans are wanted, and what exchanges need of whoever makes them; OpenTelemetry is loaded only where they are.

What OpenTelemetry's own variables say holds; there is no option of ours.
"""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.logger import Logger

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
SPOKEN = "http/protobuf"


class HeadFields(Protocol):
    """The fields of a head."""

    def pairs(self) -> list[tuple[bytes, bytes]]:
        """Names as they came, and values."""
        ...


class Head(Protocol):
    """The head of a request."""

    @property
    def fields(self) -> HeadFields:
        """As they came."""
        ...

    @property
    def minor(self) -> int:
        """Of HTTP/1.x."""
        ...


class Traces(Protocol):
    """Makes a span of each exchange."""

    def begin(self, record: ExchangeRecord, head: Head, *, secure: bool) -> None:
        """A request has come; `secure` where it came over TLS."""
        ...

    def end(self, record: ExchangeRecord) -> None:
        """Its account is closed; nothing if it never became an exchange."""
        ...

    async def close(self) -> None:
        """Sends what has not been sent, for a bounded time."""
        ...


def are_wanted(environ: Mapping[str, str]) -> bool:
    """Whether the variables name a collector, and none of them turns spans off; an empty one counts as unset."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporters = environ.get("OTEL_TRACES_EXPORTER") or "otlp"
    return "otlp" in map(str.strip, exporters.split(",")) and any(environ.get(name) for name in ENDPOINTS)


def open_traces(environ: Mapping[str, str], log: Logger, loop: asyncio.AbstractEventLoop) -> Traces | None:
    """Whoever makes spans, if they are wanted and can be made; if they cannot, the log says why, and nothing fails.

    Takes a good part of a second where they are wanted, so call it before the loop serves. OpenTelemetry reads the
    variables of the process by itself: `environ` has to be those.
    """
    if not are_wanted(environ):
        return None
    protocol = next(filter(None, map(environ.get, PROTOCOLS)), SPOKEN)
    if protocol != SPOKEN:
        detail = f"Spans are sent by {SPOKEN} only: set {PROTOCOLS[1]} to it, or leave it out."
        log.warning("traces.unavailable", detail=detail)
        return None
    try:
        from proxy.observe.exporting import exporting_traces  # noqa: PLC0415 - takes time and memory
    except ImportError:
        detail = "Spans are wanted, but the extra is missing: pip install 'cpi-oauth-proxy[otel]'."
        log.warning("traces.unavailable", detail=detail)
        return None
    try:
        return exporting_traces(log, loop)
    except Exception as error:  # noqa: BLE001 - serving goes on, whatever it was; its text may show a value
        detail = (
            f"The variables OTEL_* cannot be used ({type(error).__name__}): look at those of OTLP, BSP and sampler."
        )
        log.warning("traces.unavailable", detail=detail)
        return None
