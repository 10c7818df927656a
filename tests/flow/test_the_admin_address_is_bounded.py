"""Clients of the admin address can exhaust neither descriptors nor the log, however they behave."""

import asyncio
import contextlib
import gzip
from collections.abc import Iterator

import pytest
from aiohttp.web_protocol import RequestHandler

from proxy.admin.connection import HEAD_TIMEOUT, IDLE_TIMEOUT, MOST, AdminConnection
from proxy.admin.site import LARGEST_BODY, AdminSite
from proxy.app import lifecycle as life
from proxy.app.admin_address import open_site
from tests.cases import cases
from tests.fakes.sender import Answer, Sender
from tests.flow.running import POST, Orders, Running

SECRET = b"Bearer cAnAryAdminHeader"
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def quiet(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing is logged or written in the end."""
    yield
    assert capfd.readouterr().err == ""
    assert caplog.text == ""


async def connected(proxy: Running) -> Sender:
    """A connection to the admin address."""
    return await proxy.sender(proxy.app.admin.port)


async def put_level(proxy: Running, *fields: bytes, body: bytes) -> Answer:
    """Set the log level."""
    head = [b"PUT /log-level HTTP/1.1", b"Host: localhost", *fields]
    return await (await connected(proxy)).ask(b"\r\n".join([*head, b"Content-Length: %d" % len(body), b"", body]))


async def refusal(proxy: Running, sender: Sender) -> Answer:
    """The answer of a refusal, which is in the log."""
    refused = await sender.answer()
    (line,) = await proxy.lines.reach("admin.refused")
    assert line["status"] == refused.status
    assert line["level"] == "warning"
    assert line["detail"] == refused.body.decode().rstrip("\n")
    assert await sender.rest() == b""
    return refused


async def test_the_number_of_connections_is_limited(plain: Running) -> None:
    """A connection that ends makes room for the next."""
    clients = [await connected(plain) for _ in range(MOST)]
    for each in clients:
        assert (await each.ask(LIVEZ)).status == 200
    refused = await refusal(plain, await connected(plain))
    assert refused.status == 503
    assert refused.field(b"Connection") == [b"close"]
    assert refused.field(b"X-Content-Type-Options") == [b"nosniff"]
    assert (await plain.ask(POST)).status == 200
    clients.pop().finish()
    await clients[0].ask(LIVEZ)
    assert (await (await connected(plain)).ask(LIVEZ)).status == 200


async def test_a_request_head_has_ten_seconds(plain: Running) -> None:
    """More bytes do not extend it."""
    client = await connected(plain)
    await client.send(LIVEZ[:20])
    await (await connected(plain)).ask(LIVEZ)
    plain.clock.advance(HEAD_TIMEOUT - 1)
    await client.send(LIVEZ[20:30])
    await (await connected(plain)).ask(LIVEZ)
    plain.clock.advance(1.5)
    refused = await refusal(plain, client)
    assert refused.status == 408
    assert refused.field(b"Connection") == [b"close"]


async def test_an_idle_connection_has_sixty_seconds(plain: Running) -> None:
    """Each request starts the time again."""
    new, served = await connected(plain), await connected(plain)
    await served.ask(LIVEZ)
    plain.clock.advance(IDLE_TIMEOUT - 1)
    assert (await served.ask(LIVEZ)).status == 200
    plain.clock.advance(1.5)
    assert await new.rest() == b""
    plain.clock.advance(IDLE_TIMEOUT - 2)
    assert (await served.ask(LIVEZ)).status == 200
    plain.clock.advance(IDLE_TIMEOUT + 1)
    assert await served.rest() == b""
    assert plain.lines.named("admin.refused") == []


async def test_a_body_that_does_not_arrive_ends_the_connection(plain: Running) -> None:
    """It has as much time as an idle connection."""
    client = await connected(plain)
    await client.send(b"PUT /log-level HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nerr")
    await (await connected(plain)).ask(LIVEZ)
    plain.clock.advance(IDLE_TIMEOUT + 1)
    assert await client.rest() == b""
    assert plain.app.log.level == "debug"


async def test_unread_answers_end_the_connection(plain: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if half a request head follows."""
    paused, pause = asyncio.Event(), AdminConnection.pause_writing

    def pause_writing(connection: AdminConnection) -> None:
        pause(connection)
        paused.set()

    monkeypatch.setattr(AdminConnection, "pause_writing", pause_writing)
    sender = await connected(plain)
    sending = asyncio.create_task(sender.send(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20_000))
    async with asyncio.timeout(60):
        await paused.wait()
    plain.clock.advance(IDLE_TIMEOUT + 1)
    answered = 0
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while (await sender.answer()).status == 200:
            answered += 1
    assert 0 < answered < 20_000
    await asyncio.wait([sending])


@cases(
    "octets",
    {
        "space": b"GET /livez HTTP/1.1\r\nHost: localhost\r\nAuthorization : " + SECRET + b"\r\n\r\n",
        "control": b"GET /livez HTTP/1.1\r\nHost: localhost\r\nA\x00: " + SECRET + b"\r\n\r\n",
        "version": b"GET /livez HTTP/9.9\r\nHost: localhost\r\nAuthorization: " + SECRET + b"\r\n\r\n",
        "line": b"GET /" + SECRET + b"\r\n\r\n",
        "length": b"GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + SECRET + b"\r\n\r\n",
        "long": b"GET /livez HTTP/1.1\r\nHost: localhost\r\nA: " + SECRET + b"x" * 10_000 + b"\r\n\r\n",
        "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01" + SECRET + b"\r\n\r\n",
    },
)
@pytest.mark.usefixtures("quiet")
async def test_malformed_http_is_a_400_that_quotes_nothing(plain: Running, octets: bytes) -> None:
    """The log does not quote it either."""
    client = await connected(plain)
    await client.send(octets)
    refused = await refusal(plain, client)
    assert refused.status == 400
    assert refused.body == b"The request is not well-formed HTTP.\n"
    assert "cAnAry" not in str(plain.lines.text)


async def test_a_flood_of_malformed_requests_becomes_few_lines(plain: Running) -> None:
    """Ten have a line, the others are counted."""
    for _ in range(30):
        await (await connected(plain)).ask(b"no http\r\n\r\n")
    plain.clock.advance(1.5)
    assert len(plain.lines.named("admin.refused")) == 10
    (line,) = await plain.lines.reach("refusals.repeated")
    assert (
        line.items()
        >= {
            "status": 400,
            "code": "admin_refused",
            "count": 20,
        }.items()
    )


@pytest.mark.usefixtures("quiet")
@cases(
    "body", {"size": b"z\r\nerror\r\n0\r\n\r\n", "end": b"5\r\nerrorxx0\r\n\r\n", "sign": b"-5\r\nerror\r\n0\r\n\r\n"}
)
@cases("line", b"PUT /log-level", b"GET /livez", b"PUT /nowhere")
async def test_a_malformed_body_ends_the_connection_without_a_500(plain: Running, line: bytes, body: bytes) -> None:
    """Even if no resource reads it."""
    client = await connected(plain)
    fields = b"Host: localhost\r\nTransfer-Encoding: chunked\r\nAuthorization: " + SECRET
    await client.send(b"%b HTTP/1.1\r\n%b\r\n\r\n%b" % (line, fields, body))
    assert b" 500 " not in await client.rest()
    assert plain.app.log.level == "debug"
    assert plain.lines.named("admin.failed") == []


@pytest.mark.usefixtures("quiet")
async def test_a_body_that_is_malformed_behind_its_answer_ends_the_connection(
    plain: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it is logged."""
    monkeypatch.setitem(RequestHandler.__init__.__kwdefaults__ or {}, "lingering_time", 0.01)
    client = await connected(plain)
    await client.send(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert (await client.answer()).status == 200
    await client.send(SECRET + b"\r\n")
    assert await client.rest() == b""
    assert plain.lines.named("admin.failed") == []
    assert "cAnAry" not in str(plain.lines.text)


@cases(
    "fields, body",
    ([b"Content-Type: text/plain; charset=klingon"], b"error"),
    ([b"Content-Type: text/plain; charset=utf-8"], b"\xff\xfe"),
    ([b"Content-Encoding: gzip"], gzip.compress(b"error", mtime=0)),
    ([b"Content-Encoding: gzip"], b"error"),
    ([b"Content-Encoding: br"], b"error"),
    ([], b"\xff"),
    ([], b"loud"),
    ([], b""),
)
async def test_an_unreadable_level_is_a_400(plain: Running, fields: list[bytes], body: bytes) -> None:
    """The log level stays."""
    assert (await put_level(plain, *fields, body=body)).status == 400
    assert plain.app.log.level == "debug"
    assert plain.lines.named("admin.failed") == []


@cases(
    "fields, body",
    ([], b"error\n"),
    ([b"Content-Type: text/plain; charset=UTF-8"], b"error"),
    ([b"Content-Type: text/plain; charset=utf-16"], "error".encode("utf-16")),
    ([b"Content-Encoding: identity"], b"error"),
)
async def test_a_level_is_read_in_its_charset(plain: Running, fields: list[bytes], body: bytes) -> None:
    """But in no content coding."""
    assert (await put_level(plain, *fields, body=body)).status == 200
    assert plain.app.log.level == "error"


async def test_a_large_body_is_refused(plain: Running) -> None:
    """A level is short."""
    assert (await put_level(plain, body=b"x" * (LARGEST_BODY + 1))).status == 413


@pytest.mark.usefixtures("quiet")
async def test_a_fault_is_a_500_and_a_line_without_its_message(plain: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message may quote the request."""

    def fail(_level: str) -> None:
        raise RuntimeError(SECRET.decode())

    monkeypatch.setattr(plain.app.log, "set_level", fail)
    for _ in range(12):
        answered = await put_level(plain, body=b"error")
        assert answered.status == 500
        assert b"cAnAry" not in answered.body
    lines = plain.lines.named("admin.failed")
    assert len(lines) == 10
    assert lines[0]["error"] == "RuntimeError"
    assert "in fail < " in lines[0]["where"]
    assert "cAnAry" not in str(plain.lines.text)


@cases(
    "start, status",
    (b"PUT /log-level HTTP/1.1\r\nHost: other.example", 421),
    (b"GET /livez HTTP/1.1\r\nHost: localhost", 200),
    (b"POST /livez HTTP/1.1\r\nHost: localhost", 405),
    (b"PUT /nowhere HTTP/1.1\r\nHost: localhost", 401),
)
async def test_the_rest_of_a_body_behind_an_early_answer_is_not_a_head(
    plain: Running, start: bytes, status: int
) -> None:
    """However slowly it arrives."""
    client = await connected(plain)
    await client.send(start + b"\r\nContent-Length: 100\r\n\r\nx")
    early = await client.answer()
    assert early.status == status
    assert early.field(b"Connection") == [b"close"]
    await client.send(LIVEZ[:20])
    await (await connected(plain)).ask(LIVEZ)
    plain.clock.advance(HEAD_TIMEOUT + 1)
    await (await connected(plain)).ask(LIVEZ)
    await client.send(LIVEZ * 4)
    assert await client.rest() == b""
    assert 408 not in [line["status"] for line in plain.lines.named("admin.refused")]


async def test_a_stop_does_not_wait_for_unfinished_requests(plain: Running) -> None:
    """A missing head or body is not waited for."""
    for octets in (b"", b"GET ", b"PUT /log-level HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n"):
        await (await connected(plain)).send(octets)
    async with asyncio.timeout(30):
        await plain.app.stop()


async def test_it_is_not_ready_before_the_senders_addresses_are_open(
    orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The text says why."""
    asked = []

    async def open_and_ask(site: AdminSite) -> None:
        await open_site(site)
        sender = await Sender.connect(site.port)
        answered = await sender.ask(LIVEZ.replace(b"livez", b"readyz"))
        asked.append((answered.status, answered.body))
        sender.leave()

    monkeypatch.setattr(life, "open_site", open_and_ask)
    proxy = await orders()
    assert asked == [(503, b"the addresses for senders are not open yet\n")]
    assert await proxy.ask_admin("/readyz") == (200, "ready\n")
