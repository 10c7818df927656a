"""Variables of OpenTelemetry say whether there are spans; where they cannot be had, serving goes on."""

import asyncio
import sys
from collections.abc import Iterator, Mapping

import pytest

from proxy.observe.traces import are_wanted, open_traces
from tests.fakes.traces import Events

URL = "http://127.0.0.1:1"
ASKED = {"OTEL_EXPORTER_OTLP_ENDPOINT": URL}


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """One that never runs."""
    made = asyncio.new_event_loop()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "orders", "OTEL_TRACES_EXPORTER": "otlp"}, False),
        (ASKED, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": URL}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        (ASKED | {"OTEL_SDK_DISABLED": "false"}, True),
        (ASKED | {"OTEL_SDK_DISABLED": " True"}, False),
        (ASKED | {"OTEL_TRACES_EXPORTER": "none"}, False),
        (ASKED | {"OTEL_TRACES_EXPORTER": "console"}, False),
        (ASKED | {"OTEL_TRACES_EXPORTER": "console, otlp"}, True),
        (ASKED | {"OTEL_TRACES_EXPORTER": ""}, True),
    ],
)
def test_a_named_collector_is_what_asks_for_spans(environ: Mapping[str, str], wanted: bool) -> None:  # noqa: FBT001
    """Unless another variable says no."""
    assert are_wanted(environ) is wanted


def test_nothing_is_said_where_nothing_is_asked_for(loop: asyncio.AbstractEventLoop) -> None:
    """Not even with a protocol that we do not speak."""
    events = Events()
    assert open_traces({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, events, loop) is None
    assert not events.warnings


def test_a_missing_extra_is_told_with_what_to_install(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line."""
    for name in [each for each in sys.modules if each.startswith(("opentelemetry", "proxy.observe.exporting"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    events = Events()
    assert open_traces(ASKED, events, loop) is None
    ((event, fields),) = events.warnings
    assert event == "traces.unavailable"
    assert "pip install 'cpi-oauth-proxy[otel]'" in fields["detail"]


@pytest.mark.parametrize("name", ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"])
def test_a_protocol_that_is_not_spoken_is_told(loop: asyncio.AbstractEventLoop, name: str) -> None:
    """In place of sending HTTP to where gRPC is expected."""
    events = Events()
    assert open_traces(ASKED | {name: "grpc"}, events, loop) is None
    ((event, fields),) = events.warnings
    assert (event, "http/protobuf" in fields["detail"]) == ("traces.unavailable", True)


def test_variables_that_cannot_be_used_are_told_without_their_values(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may hold the collector's key."""
    environ = ASKED | {"OTEL_BSP_MAX_QUEUE_SIZE": "1", "OTEL_EXPORTER_OTLP_HEADERS": "s3cr3t-word"}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    events = Events()
    assert open_traces(environ, events, loop) is None
    ((event, fields),) = events.warnings
    assert event == "traces.unavailable"
    assert "(ValueError)" in fields["detail"]
    assert "s3cr3t-word" not in str(fields)
