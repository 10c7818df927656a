"""Variables of OpenTelemetry make the command send spans; without the extra, or a collector, it serves all the same."""

import signal
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from proxy import __version__
from tests.cases import cases
from tests.fakes.sender import Sender, request
from tests.system.command import ROOT, Finished, Proxy, free_port

TRACE, PARENT_SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"traceparent: 00-{TRACE}-{PARENT_SPAN}-01".encode()


class Collector:
    """Takes spans by OTLP over HTTP, or refuses them all."""

    def __init__(self) -> None:
        self.status = 200
        self.keys: list[str | None] = []
        self.exports: list[ExportTraceServiceRequest] = []
        self.url = ""

    async def take(self, asked: web.Request) -> web.Response:
        self.keys.append(asked.headers.get("x-key"))
        self.exports.append(ExportTraceServiceRequest.FromString(await asked.read()))
        return web.Response(status=self.status, text="s3cr3t words of the collector")

    @property
    def spans(self) -> Iterator[tuple[dict[str, object], Span]]:
        """(attributes of the resource, span)."""
        for export in self.exports:
            for of_resource in export.resource_spans:
                for of_scope in of_resource.scope_spans:
                    for span in of_scope.spans:
                        yield values(of_resource.resource.attributes), span


def values(attributes: Iterable[KeyValue]) -> dict[str, object]:
    """Attributes as plain values."""
    found: dict[str, object] = {}
    for each in attributes:
        found[each.key] = getattr(each.value, each.value.WhichOneof("value") or "")
    return found


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    """One on loopback."""
    collector, app = Collector(), web.Application()
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    collector.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield collector
    await runner.cleanup()


async def served_and_stopped(configuration: Path, **variables: str) -> tuple[Finished, Proxy]:
    """One message, then SIGTERM."""
    async with Proxy(configuration, **variables) as proxy:
        sender = await Sender.connect(proxy.port)
        answer = await sender.ask(request(b"POST /http/invoices?key=cAnAry", PARENT, body=b"cAnAry-body"))
        assert (answer.status, answer.body) == (200, b"cAnAry-body")
        await proxy.logs("exchange.finished")
        sender.leave()
        proxy.send(signal.SIGTERM)
        return await proxy.ends(), proxy


def named(finished: Finished, event: str) -> list[str]:
    """The lines of an event."""
    return [line for line in finished.errors.splitlines() if f'"{event}"' in line]


async def test_what_is_left_at_the_stop_is_sent(configuration: Path, collector: Collector) -> None:
    """With the collector's key, and the sender's span as the parent."""
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_EXPORTER_OTLP_HEADERS": "x-key=k-1"}
    finished, _ = await served_and_stopped(configuration, **variables)
    assert finished.status == 0
    assert "traces." not in finished.errors
    ((resource, span),) = collector.spans
    assert collector.keys == ["k-1"]
    assert (resource["service.name"], resource["service.version"]) == ("cpi-oauth-proxy", __version__)
    assert (span.trace_id.hex(), span.parent_span_id.hex(), span.name) == (TRACE, PARENT_SPAN, "POST http")
    told = values(span.attributes)
    assert (told["url.path"], told["http.response.status_code"], told["cpi_proxy.oauth_client"]) == (
        "/http/invoices",
        200,
        "orders",
    )
    assert told["cpi_proxy.mpl_id"]
    assert "cAnAry" not in str(collector.exports)


@cases("there", True, False)
async def test_a_collector_that_takes_nothing_is_told_and_harms_nobody(
    configuration: Path, collector: Collector, *, there: bool
) -> None:
    """One line says so, without a word of the collector's."""
    collector.status = 403
    url = collector.url if there else f"http://127.0.0.1:{free_port()}"
    finished, proxy = await served_and_stopped(
        configuration, OTEL_EXPORTER_OTLP_ENDPOINT=url, OTEL_EXPORTER_OTLP_HEADERS="x-key=s3cr3t"
    )
    assert finished.status == 0
    (told,) = await proxy.logged("traces.not_exported", 1)
    assert (told["spans"], told["reason"]) == (1, "status 403" if there else "ConnectionError")
    assert "s3cr3t" not in finished.errors


@pytest.fixture
def without_extra(tmp_path: Path) -> str:
    """A path of imports on which OpenTelemetry cannot be had."""
    folder = tmp_path / "blocked" / "opentelemetry"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise ImportError('it is not installed')\n")
    return f"{folder.parent}:{ROOT}"


async def test_nothing_of_the_extra_is_loaded_where_nobody_asks(configuration: Path, without_extra: str) -> None:
    """It would fail here."""
    finished, _ = await served_and_stopped(configuration, PYTHONPATH=without_extra)
    assert (finished.status, named(finished, "traces.unavailable")) == (0, [])
