"""The log has the sender whose address counts, and the URL that its message went to, without the query."""

from typing import Any

import pytest

from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import request
from tests.fakes.traces import MemoryTraces
from tests.fakes.upstream import Upstream, answer
from tests.flow.running import Document, Orders, Running, Serve, document

BEHIND = {"trusted_proxies": ["127.0.0.0/8"]}


@pytest.fixture
async def proxy(orders: Orders) -> Running:
    """A proxy behind another one."""
    return await orders(BEHIND)


def with_route(configuration: Document, **options: str) -> Document:
    """The configuration with other options of its route."""
    configuration["routes"][0] |= options
    return configuration


@cases("start", b"POST /orders", b"GET /nowhere", b"POST /orders/../x", b"CONNECT u:1")
@cases("fields, sender", ((), "127.0.0.1"), ((b"X-Forwarded-For: 198.51.100.1, 192.0.2.9",), "192.0.2.9"))
async def test_the_sender_is_the_address_that_counts(
    proxy: Running, start: bytes, fields: tuple[bytes, ...], sender: str
) -> None:
    """Refusals have it too."""
    await proxy.ask(request(start, *fields, body=b"" if start.startswith(b"POST") else None))
    assert (await proxy.record())["sender"] == sender


@cases("octets", request(b"GET /orders", b"X-Forwarded-For: nobody"), b"no http at all\r\n\r\n")
async def test_a_sender_that_cannot_be_told_is_the_peer(proxy: Running, octets: bytes) -> None:
    """An invalid X-Forwarded-For names nobody else."""
    await proxy.ask(octets)
    assert (await proxy.record())["sender"] == "127.0.0.1"


@cases(
    "path, below, target, sent",
    ("/orders", "/http/in", b"/orders/a%2Fb?key=cAnAryQuery", "/http/in/a%2Fb"),
    ("/orders", "/http/in", b"/orders?key=cAnAryQuery", "/http/in"),
    ("/orders", "/http/in/", b"/orders", "/http/in"),
    ("/", "", b"/orders/x", "/orders/x"),
    ("/orders", "", b"/orders?key=cAnAryQuery", "/"),
    ("/orders", "", b"/orders/", "/"),
)
async def test_the_upstream_is_the_url_that_was_asked(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, path: str, below: str, target: bytes, sent: str
) -> None:
    """The query is not in the log."""
    proxy = await serve(with_route(document(upstream, authority), path=path, upstream=upstream.url + below))
    await proxy.ask(request(b"POST " + target, body=b"x"))
    line = await proxy.record()
    assert line["upstream"] == upstream.url + sent
    assert upstream.requests[0].target.partition(b"?")[0].decode() == sent
    assert "cAnAry" not in "".join(proxy.lines.text)


async def test_a_default_port_is_not_in_the_url(serve: Serve, authority: AuthorizationServer) -> None:
    """A connection that failed counts as an attempt."""
    proxy = await serve(with_route(document("", authority), upstream="https://tenant.invalid/http/in"))
    await proxy.ask(request(b"POST /orders/new", body=b"x"))
    line = await proxy.record()
    assert (line["status"], line["upstream"]) == (502, "https://tenant.invalid/http/in/new")


async def test_without_an_attempt_there_is_no_url(orders: Orders, refusing: AuthorizationServer) -> None:
    """It went nowhere."""
    proxy = await orders(authority=refusing, max_body=10)
    for body in (b"x", b"x" * 11):
        await proxy.ask(request(b"POST /orders", body=body))
    lines = await proxy.accounts(2)
    assert [(line["code"], "upstream" in line) for line in lines] == [
        ("grant_rejected", False),
        ("body_too_large", False),
    ]


@pytest.fixture
async def traces() -> MemoryTraces:
    """Spans in memory."""
    return MemoryTraces()


async def test_spans_have_them_too(proxy: Running, upstream: Upstream, traces: MemoryTraces) -> None:
    """The sender has the name of OpenTelemetry's conventions."""
    upstream.follow(answer(404))
    fields = (b"X-Forwarded-For: 192.0.2.9",)
    await proxy.ask(request(b"POST /orders/new?key=cAnAryQuery", *fields, body=b"x"))
    (span,) = await traces.reach()
    found: dict[str, Any] = dict(span.attributes or {})
    assert found["client.address"] == "192.0.2.9"
    assert found["cpi_proxy.upstream"] == f"{upstream.url}/http/orders/new"
