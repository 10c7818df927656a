"""What the benchmarks feed the proxy with: a message of a legacy sender, its answer, and a proxy with many routes."""

import asyncio
import json
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, NoReturn

from proxy.app import App
from proxy.app.process_resources import ProcessResources
from proxy.clock import SystemClock
from proxy.config.load import find
from proxy.config.model import Configuration
from proxy.config.problems import DocumentSource, Problems
from proxy.config.resolve import resolve
from proxy.config.secrets import read_secret
from proxy.forwarding.request import Request
from proxy.forwarding.routes import Route, Routes
from proxy.forwarding.target import parse_target
from proxy.oauth.answer import TokenResponse
from proxy.oauth.grant import GrantRequest
from proxy.oauth.grant_runner import GrantRunner
from proxy.oauth.source import TokenSource
from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.line_writer import LineWriter
from proxy.observe.process_log import ProcessLog
from proxy.server.listener_context import ListenerContext
from proxy.server.sender_connection import SenderConnection
from proxy.wire.body import IncomingBody
from proxy.wire.grammar import RequestHead
from tests.fakes.heads import REQUESTS
from tests.fakes.listener import listener_context

REQUEST = (
    b"POST /orders/create?Interface=http%3A%2F%2Fx.example%2FOrder_out&QualityOfService=ExactlyOnce HTTP/1.1\r\n"
    b"Host: proxy.example:8080\r\n"
    b"User-Agent: SAP NetWeaver Application Server (1.0;758)\r\n"
    b"Accept: text/xml, multipart/related\r\n"
    b"Accept-Encoding: gzip\r\n"
    b"Authorization: Basic UElVU0VSOnNlY3JldA==\r\n"
    b'SOAPAction: "http://sap.com/xi/WebService/soap1.1"\r\n'
    b"Content-Type: text/xml; charset=utf-8\r\n"
    b"SAP_ApplicationID: 4500000123\r\n"
    b"X-Request-ID: 0050568f4e2a1eddbca1b2c3d4e5f607\r\n"
    b"Connection: keep-alive\r\n"
    b"Content-Length: 1024\r\n"
    b"\r\n"
)
RESPONSE = (
    b"HTTP/1.1 200 OK\r\n"
    b"Server: SAP\r\n"
    b"Date: Mon, 23 Nov 2026 12:00:00 GMT\r\n"
    b"Content-Type: text/xml; charset=utf-8\r\n"
    b"Content-Length: 512\r\n"
    b"Set-Cookie: JTENANTSESSIONID_a1b2c3=Zm9v%2BYmFy; Path=/; Secure; HttpOnly\r\n"
    b"SAP_MessageProcessingLogID: AGpyvUXKUZJ-xCKXdYXps-l8FDTq\r\n"
    b"SAP_MplCorrelationId: AGpyvUUZJ1xCKXdYXps-l8FDTqab\r\n"
    b"Strict-Transport-Security: max-age=31536000; includeSubDomains; preload\r\n"
    b"\r\n"
)
KIB = b"x" * 1024
ANSWER = RESPONSE + b"y" * 512


def fault(*what: object) -> NoReturn:
    """Takes what does not happen to exchanges that go well."""
    raise AssertionError(what)


def chunked(content: bytes, size: int) -> bytes:
    """The content in chunks of so many octets (RFC 9112 §7.1)."""
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, b""))


def request_head() -> RequestHead:
    """The sample message's head."""
    return REQUESTS.read(REQUEST, 100)


def request() -> Request:
    """The sample message; its connection is never asked for anything."""
    head, sender = request_head(), SenderConnection(context(premises(silent_log())))
    return Request(head, parse_target(head.target), IncomingBody(sender, 1024), sender, "id-1")


def premises(log: ProcessLog) -> ProcessResources:
    """Of a process whose event loop never runs."""
    return ProcessResources(log=log, environ={}, loop=asyncio.new_event_loop(), clock=SystemClock())


def context(
    premises: ProcessResources, serve: Callable[[Request], Coroutine[Any, Any, None]] = fault
) -> ListenerContext:
    """Of a listener whose senders only send requests."""
    return listener_context(serve, deadlines=premises.deadlines, ids=iter(()), reader=premises.request_reader)


def routes(count: int) -> Routes[Route]:
    """As the composition root makes them; the first one takes the sample message."""
    loop = asyncio.new_event_loop()
    app = App(configuration(count), log=silent_log(), environ={}, loop=loop)
    loop.close()
    return app._generation.context.routes


def configuration(count: int) -> Configuration:
    """That of so many routes."""
    paths = ["/orders", *(f"/other/system-{number}" for number in range(1, count))]
    tree = {
        "oauth_clients": {
            "orders": {"token_url": "http://127.0.0.1:1/token", "client_id": "orders", "client_secret": "none"}
        },
        "routes": [
            {"path": path, "upstream": f"http://127.0.0.1:1/http{path}", "oauth_client": "orders"} for path in paths
        ],
    }
    problems = Problems(DocumentSource(file="benchmark"))
    return resolve(tree, problems, folder=Path.cwd(), read=read_secret, insecure_listen=False)


def silent_log() -> ProcessLog:
    """A log that nobody reads."""
    return ProcessLog(LineWriter(os.open(os.devnull, os.O_WRONLY)), level="error", human=False)


class MemoryEndpoint:
    """A token endpoint in memory."""

    async def send(self, request: GrantRequest) -> TokenResponse:
        del request
        body = json.dumps({"access_token": "t" * 800, "token_type": "Bearer", "expires_in": 3600})
        return TokenResponse(status=200, content_type="application/json", body=body.encode())


def granted_source() -> TokenSource:
    """A token source that holds a fresh token, on the clocks of this machine."""
    variables = {
        "CPI_UPSTREAM": "http://127.0.0.1:1/http",
        "CPI_TOKEN_URL": "http://127.0.0.1:1/token",
        "CPI_CLIENT_ID": "orders",
        "CPI_CLIENT_SECRET": "none",
    }
    client = find(None, variables, places=()).oauth_clients["default"]
    clock = SystemClock()
    source = TokenSource(
        client, GrantRunner(client, MemoryEndpoint(), clock=clock), clock=clock, log=silent_log().logger
    )
    asyncio.run(_granted(source))
    return source


async def _granted(source: TokenSource) -> None:
    await source.token()


def record() -> ExchangeRecord:
    """The account of an exchange that went well."""
    finished = ExchangeRecord("0050568f4e2a1eddbca1b2c3d4e5f607", "POST")
    finished.routed("orders", "orders")
    finished.have_token(renewed=False)
    finished.answered()
    finished.relayed(200)
    finished.bytes_in, finished.bytes_out = 1024, 512
    finished.mpl_id = "AGpyvUXKUZJ-xCKXdYXps-l8FDTq"
    finished.end()
    return finished
