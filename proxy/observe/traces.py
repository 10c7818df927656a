"""Decides whether exchanges get spans. OpenTelemetry is loaded only if they do; its own variables configure it."""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from proxy.observe.logger import Logger
from proxy.observe.observers import BeginningObserver

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
SUPPORTED = "http/protobuf"


class Traces(BeginningObserver, Protocol):
    """An observer that makes a span of each exchange."""

    async def close(self) -> None:
        """Sends the spans that are left, for a limited time."""
        ...


def are_wanted(environ: Mapping[str, str]) -> bool:
    """Returns whether the variables name a collector and none turns spans off; an empty variable counts as unset."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporters = environ.get("OTEL_TRACES_EXPORTER") or "otlp"
    return "otlp" in map(str.strip, exporters.split(",")) and any(environ.get(name) for name in ENDPOINTS)


def open_traces(environ: Mapping[str, str], log: Logger, loop: asyncio.AbstractEventLoop) -> Traces | None:
    """Returns the observer that makes spans, if they are wanted and possible; otherwise the log says why not.

    Loading OpenTelemetry takes a good part of a second, so call this before the loop serves. It reads the variables of
    the process itself: `environ` has to be those.
    """
    if not are_wanted(environ):
        return None
    protocol = next(filter(None, map(environ.get, PROTOCOLS)), SUPPORTED)
    if protocol != SUPPORTED:
        detail = f"Spans can be sent over {SUPPORTED} only: set {PROTOCOLS[1]} to it, or remove the variable."
        log.warning("traces.unavailable", detail=detail)
        return None
    try:
        from proxy.observe.exporting import exporting_traces  # noqa: PLC0415 - takes time and memory
    except ImportError:
        detail = "Spans are enabled, but the extra is not installed: pip install 'cpi-oauth-proxy[otel]'."
        log.warning("traces.unavailable", detail=detail)
        return None
    try:
        return exporting_traces(log, loop)
    except Exception as error:  # noqa: BLE001 - serving goes on in any case; the text of the error may show a value
        detail = (
            f"The OTEL_* variables are not valid ({type(error).__name__}): check those of OTLP, BSP and the sampler."
        )
        log.warning("traces.unavailable", detail=detail)
        return None
