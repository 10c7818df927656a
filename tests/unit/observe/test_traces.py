"""Variables decide about spans; without them serving goes on."""

import asyncio
import sys
from collections.abc import Iterator, Mapping

import pytest

from proxy.observe.traces import are_wanted, open_traces
from tests.cases import cases
from tests.fakes.traces import Events

URL = "http://127.0.0.1:1"
ASKED = {"OTEL_EXPORTER_OTLP_ENDPOINT": URL}


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop that never runs."""
    made = asyncio.new_event_loop()
    yield made
    made.close()


@cases(
    "environ",
    ASKED,
    {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": URL},
    ASKED | {"OTEL_SDK_DISABLED": "false"},
    ASKED | {"OTEL_TRACES_EXPORTER": "console, otlp"},
    ASKED | {"OTEL_TRACES_EXPORTER": ""},
)
def test_naming_a_collector_enables_spans(environ: Mapping[str, str]) -> None:
    """By either variable."""
    assert are_wanted(environ)


@cases(
    "environ",
    {},
    {"OTEL_SERVICE_NAME": "orders", "OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
    {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
    ASKED | {"OTEL_SDK_DISABLED": " True"},
    ASKED | {"OTEL_TRACES_EXPORTER": "none"},
    ASKED | {"OTEL_TRACES_EXPORTER": "console"},
)
def test_no_collector_or_another_variable_means_no_spans_and_no_line(
    loop: asyncio.AbstractEventLoop, environ: Mapping[str, str]
) -> None:
    """Nor about an unknown protocol."""
    assert not are_wanted(environ)
    events = Events()
    assert open_traces(environ, events, loop) is None
    assert events.warnings == []


def unavailable(loop: asyncio.AbstractEventLoop, environ: Mapping[str, str]) -> str:
    """The detail of why wanted spans are not."""
    events = Events()
    assert open_traces(environ, events, loop) is None
    ((event, fields),) = events.warnings
    assert event == "traces.unavailable"
    detail: str = fields["detail"]
    return detail


def test_a_missing_extra_is_logged_with_what_to_install(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a command."""
    for name in [each for each in sys.modules if each.startswith(("opentelemetry", "proxy.observe.exporting"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    assert "pip install 'cpi-oauth-proxy[otel]'" in unavailable(loop, ASKED)


@cases("name", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
def test_an_unsupported_protocol_is_logged(loop: asyncio.AbstractEventLoop, name: str) -> None:
    """HTTP would reach a port for gRPC."""
    assert "http/protobuf" in unavailable(loop, ASKED | {name: "grpc"})


def test_invalid_variables_are_logged_without_their_values(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The collector's key may be one."""
    environ = ASKED | {"OTEL_BSP_MAX_QUEUE_SIZE": "1", "OTEL_EXPORTER_OTLP_HEADERS": "s3cr3t-word"}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    detail = unavailable(loop, environ)
    assert "(ValueError)" in detail
    assert "s3cr3t-word" not in detail
