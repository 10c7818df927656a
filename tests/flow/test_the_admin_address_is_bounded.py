"""Who reaches the admin address takes neither descriptors nor the log from others, however it behaves."""

import asyncio
import contextlib
import gzip

import pytest

from proxy.admin.connection import HEAD_TIMEOUT, IDLE_TIMEOUT, MOST, AdminConnection
from proxy.admin.site import LARGEST_BODY, AdminSite
from proxy.app import lifecycle as life
from proxy.app.lifecycle import open_site
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import Answer, Sender, request
from tests.fakes.upstream import Upstream
from tests.flow.running import Running, Serve, document

SECRET = b"Bearer cAnAryAdminHeader"
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
async def proxy(serve: Serve, upstream: Upstream, authority: AuthorizationServer) -> Running:
    """A proxy whose log has all that it has."""
    return await serve(document(upstream, authority))


async def connected(proxy: Running) -> Sender:
    """A connection to the admin address."""
    return await proxy.sender(proxy.app.admin.port)


async def put_level(proxy: Running, *fields: bytes, body: bytes) -> Answer:
    """Sets the level of the log."""
    head = [b"PUT /log-level HTTP/1.1", b"Host: localhost", *fields]
    return await (await connected(proxy)).ask(b"\r\n".join([*head, b"Content-Length: %d" % len(body), b"", body]))


async def test_one_connection_too_many_is_told_so(proxy: Running) -> None:
    """The others are served; when one of them ends, the next one is."""
    senders = [await connected(proxy) for _ in range(MOST)]
    for each in senders:
        assert (await each.ask(LIVEZ)).status == 200
    late = await connected(proxy)
    refused = await late.answer()
    assert (refused.status, refused.field(b"Connection"), await late.rest()) == (503, [b"close"], b"")
    (line,) = await proxy.lines.reach("admin.refused")
    assert (line["status"], line["level"]) == (503, "warning")
    assert (await (await proxy.sender()).ask(request(b"POST /orders", body=b"x"))).status == 200
    senders.pop().finish()
    await senders[0].ask(LIVEZ)
    assert (await (await connected(proxy)).ask(LIVEZ)).status == 200


async def test_a_head_has_ten_seconds(proxy: Running) -> None:
    """Octets that trickle in move nothing."""
    sender = await connected(proxy)
    await sender.send(LIVEZ[:20])
    await (await connected(proxy)).ask(LIVEZ)
    proxy.clock.advance(HEAD_TIMEOUT - 1)
    await sender.send(LIVEZ[20:30])
    await (await connected(proxy)).ask(LIVEZ)
    proxy.clock.advance(1.5)
    refused = await sender.answer()
    assert (refused.status, refused.field(b"Connection"), await sender.rest()) == (408, [b"close"], b"")
    assert [each["status"] for each in await proxy.lines.reach("admin.refused")] == [408]


async def test_a_silent_connection_has_sixty_seconds(proxy: Running) -> None:
    """A new one, and one that has been served; each request begins the time anew."""
    new, served = await connected(proxy), await connected(proxy)
    await served.ask(LIVEZ)
    proxy.clock.advance(IDLE_TIMEOUT - 1)
    assert (await served.ask(LIVEZ)).status == 200
    proxy.clock.advance(1.5)
    assert await new.rest() == b""
    proxy.clock.advance(IDLE_TIMEOUT - 2)
    assert (await served.ask(LIVEZ)).status == 200
    proxy.clock.advance(IDLE_TIMEOUT + 1)
    assert await served.rest() == b""
    assert proxy.lines.named("admin.refused") == []


async def test_a_body_that_does_not_come_ends_the_connection(proxy: Running) -> None:
    """It is waited for as long as a request is."""
    sender = await connected(proxy)
    await sender.send(b"PUT /log-level HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nerr")
    await (await connected(proxy)).ask(LIVEZ)
    proxy.clock.advance(IDLE_TIMEOUT + 1)
    assert await sender.rest() == b""
    assert proxy.app.log.level == "debug"


async def test_answers_that_nobody_reads_end_the_connection(proxy: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits in this process for a reader is thrown away, also where half a head follows."""
    paused, pause = asyncio.Event(), AdminConnection.pause_writing

    def pause_writing(connection: AdminConnection) -> None:
        pause(connection)
        paused.set()

    monkeypatch.setattr(AdminConnection, "pause_writing", pause_writing)
    sender = await connected(proxy)
    sending = asyncio.create_task(sender.send(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20_000))
    async with asyncio.timeout(60):
        await paused.wait()
    proxy.clock.advance(IDLE_TIMEOUT + 1)
    answered = 0
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while (await sender.answer()).status == 200:
            answered += 1
    assert 0 < answered < 20_000
    await asyncio.wait([sending])


@pytest.mark.parametrize(
    "octets",
    [
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\nAuthorization : " + SECRET + b"\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\nA\x00: " + SECRET + b"\r\n\r\n",
        b"GET /livez HTTP/9.9\r\nHost: localhost\r\nAuthorization: " + SECRET + b"\r\n\r\n",
        b"GET /" + SECRET + b"\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + SECRET + b"\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\nA: " + SECRET + b"x" * 10_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01" + SECRET + b"\r\n\r\n",
    ],
    ids=["space", "control", "version", "line", "length", "long", "tls"],
)
async def test_what_is_no_http_is_a_400_that_quotes_nothing(
    proxy: Running, octets: bytes, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the answer nor the log has a word of it, and nothing goes to standard error."""
    sender = await connected(proxy)
    refused = await sender.ask(octets)
    assert (refused.status, refused.body, await sender.rest()) == (400, b"The request is not well-formed HTTP.\n", b"")
    (line,) = await proxy.lines.reach("admin.refused")
    assert (line["status"], line["detail"]) == (400, "The request is not well-formed HTTP.")
    assert (capfd.readouterr().err, caplog.text, "cAnAry" in str(proxy.lines.text)) == ("", "", False)


async def test_a_flood_of_them_becomes_few_lines(proxy: Running) -> None:
    """Ten have a line, the others are counted."""
    for _ in range(30):
        await (await connected(proxy)).ask(b"no http\r\n\r\n")
    proxy.clock.advance(1.5)
    assert len(proxy.lines.named("admin.refused")) == 10
    (line,) = await proxy.lines.reach("refusals.repeated")
    assert (line["status"], line["code"], line["count"]) == (400, "admin_refused", 20)


@pytest.mark.parametrize(
    "body",
    [b"z\r\nerror\r\n0\r\n\r\n", b"5\r\nerrorxx0\r\n\r\n", b"-5\r\nerror\r\n0\r\n\r\n"],
    ids=["size", "end", "sign"],
)
@pytest.mark.parametrize("line", [b"PUT /log-level", b"GET /livez", b"PUT /nowhere"])
async def test_a_body_that_is_not_well_formed_fails_quietly(
    proxy: Running, line: bytes, body: bytes, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Whether somebody reads it or not; the level stays, and the connection ends."""
    sender = await connected(proxy)
    fields = b"Host: localhost\r\nTransfer-Encoding: chunked\r\nAuthorization: " + SECRET
    await sender.send(b"%b HTTP/1.1\r\n%b\r\n\r\n%b" % (line, fields, body))
    answered = await sender.rest()
    assert b" 500 " not in answered
    assert proxy.app.log.level == "debug"
    assert proxy.lines.named("admin.failed") == []
    assert (capfd.readouterr().err, caplog.text) == ("", "")


async def test_a_body_that_turns_out_wrong_when_nobody_reads_it_is_quiet(
    proxy: Running, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """The answer is there already; the connection ends."""
    sender = await connected(proxy)
    await sender.send(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert (await sender.answer()).status == 200
    await sender.send(SECRET + b"\r\n")
    assert await sender.rest() == b""
    assert (capfd.readouterr().err, caplog.text, proxy.lines.named("admin.failed")) == ("", "", [])
    assert "cAnAry" not in str(proxy.lines.text)


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ([b"Content-Type: text/plain; charset=klingon"], b"error"),
        ([b"Content-Type: text/plain; charset=base64"], b"error"),
        ([b"Content-Type: text/plain; charset=utf-8"], b"\xff\xfe"),
        ([b"Content-Type: text/plain; charset=utf-16"], b"error"),
        ([b"Content-Type: text/plain; charset=undefined"], b"error"),
        ([b'Content-Type: text/plain; charset="a\tb"'], b"error"),
        ([b"Content-Encoding: gzip"], gzip.compress(b"error", mtime=0)),
        ([b"Content-Encoding: gzip"], b"error"),
        ([b"Content-Encoding: br"], b"error"),
        ([b"Content-Encoding: klingon"], b"error"),
        ([b"Content-Encoding: identity, gzip"], b"error"),
        ([], b"\xff"),
        ([], b"loud"),
        ([], b""),
    ],
)
async def test_a_level_that_cannot_be_read_is_a_400(proxy: Running, fields: list[bytes], body: bytes) -> None:
    """An unknown charset or encoding, a body that does not keep to it, no level at all: the level stays."""
    assert (await put_level(proxy, *fields, body=body)).status == 400
    assert proxy.app.log.level == "debug"
    assert proxy.lines.named("admin.failed") == []


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ([], b"error\n"),
        ([b"Content-Type: text/plain; charset=UTF-8"], b"error"),
        ([b"Content-Type: application/x-www-form-urlencoded"], b"error"),
        ([b"Content-Type: text/plain; charset=utf-16"], "error".encode("utf-16")),
        ([b"Content-Encoding: identity"], b"error"),
    ],
)
async def test_a_level_is_taken_as_it_is_written(proxy: Running, fields: list[bytes], body: bytes) -> None:
    """In a charset that Python knows, without a content coding."""
    assert (await put_level(proxy, *fields, body=body)).status == 200
    assert proxy.app.log.level == "error"


async def test_a_large_body_is_refused(proxy: Running) -> None:
    """No level is so long."""
    assert (await put_level(proxy, body=b"x" * (LARGEST_BODY + 1))).status == 413


async def test_a_fault_of_ours_is_a_500_and_a_line_without_its_text(
    proxy: Running, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """The text of an error may quote what was sent; of many the first ten have a line."""

    def fail(_level: str) -> None:
        raise RuntimeError(SECRET.decode())

    monkeypatch.setattr(proxy.app.log, "set_level", fail)
    for _ in range(12):
        answered = await put_level(proxy, body=b"error")
        assert (answered.status, b"cAnAry" in answered.body) == (500, False)
    lines = proxy.lines.named("admin.failed")
    assert (len(lines), lines[0]["error"], lines[0]["where"].endswith("in _log_level")) == (10, "RuntimeError", False)
    assert "in fail < " in lines[0]["where"]
    assert ("cAnAry" in str(proxy.lines.text), capfd.readouterr().err, caplog.text) == (False, "", "")


async def test_a_stop_does_not_wait_for_who_does_not_send(proxy: Running) -> None:
    """Neither for a body nor for a head."""
    for octets in (b"", b"GET ", b"PUT /log-level HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n"):
        await (await connected(proxy)).send(octets)
    async with asyncio.timeout(30):
        await proxy.app.stop()


async def test_it_is_not_ready_before_the_senders_addresses_are_open(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks in between is told why."""
    asked = []

    async def open_and_ask(site: AdminSite) -> None:
        await open_site(site)
        sender = await Sender.connect(site.port)
        answered = await sender.ask(LIVEZ.replace(b"livez", b"readyz"))
        asked.append((answered.status, answered.body))
        sender.leave()

    monkeypatch.setattr(life, "open_site", open_and_ask)
    proxy = await serve(document(upstream, authority))
    assert asked == [(503, b"the addresses for senders are not open yet\n")]
    assert await proxy.ask_admin("/readyz") == (200, "ready\n")
