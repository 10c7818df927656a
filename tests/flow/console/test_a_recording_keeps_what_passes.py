"""Fields and bodies of a route's exchanges are kept: for minutes, bounded, without credentials."""

from pathlib import Path
from typing import Any

import pytest

from proxy.console import recordings
from proxy.console.bodies import SHOWN
from proxy.console.events import PAUSE
from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import chunked, request
from tests.fakes.upstream import Held, Upstream, answer, answering, head
from tests.flow.console.conftest import OpenPage
from tests.flow.console.page import Page
from tests.flow.running import Document, document, until

SECRETS = (
    "s3cr3tBasic",
    "s3cr3tCookie",
    "s3cr3tKey",
    "s3cr3tSetField",
    "s3cr3tUpstreamCookie",
    "token-1",
    "cAnArySecret",
)


def fields(part: Any, *names: str) -> list[str]:
    """The values of some fields."""
    return [value for name, value in part["fields"] if name.lower() in names]


async def test_nothing_is_kept_unless_it_is_asked_for(page: Page) -> None:
    """Before a recording, and after it."""
    sender = await page.proxy.sender()
    await sender.ask(request(b"POST /orders", body=b"<before/>"))
    await page.record()
    await page.ask("recordings/orders", "DELETE")
    await sender.ask(request(b"POST /orders", body=b"<after/>"))
    rows = (await page.get("traffic"))["exchanges"]
    assert [row["recorded"] for row in rows] == [False, False]
    found = await page.newest()
    assert (found["request"], found["response"], found["curl"]) == (None, None, None)
    assert "Record" in found["curl_reason"]


async def test_fields_and_bodies_of_both_sides_are_kept(page: Page, upstream: Upstream) -> None:
    """As sent, and as received."""
    upstream.follow(answer(200, b"Content-Type: application/xml", body=b"<done/>"))
    await page.record()
    found = await page.passed(request(b"POST /orders", b"Content-Type: text/xml", b"X-Empty:", body="<ä/>".encode()))
    assert found["recorded"] is True
    assert found["request"]["fields"] == [
        ["Host", "proxy.example"],
        ["Content-Type", "text/xml"],
        ["X-Empty", ""],
        ["Content-Length", "5"],
    ]
    assert found["request"]["body"] == {
        "size": 5,
        "kept": 5,
        "text": "<ä/>",
        "media_type": "text/xml",
        "download": f"api/traffic/{found['id']}/request-body",
    }
    assert found["response"]["body"]["text"] == "<done/>"
    assert fields(found["response"], "content-type") == ["application/xml"]


@cases("route", {"buffer": "1KiB"}, {"buffer": "1KiB", "spool": "1MiB"})
async def test_a_body_that_is_streamed_or_spooled_is_kept_too(page: Page, upstream: Upstream) -> None:
    """Its replay, with an answer in chunks, too."""
    upstream.follow(answering(head(200, b"Transfer-Encoding: chunked") + chunked(b"do", b"ne")))
    await page.record()
    body = b"x" * 200_000
    found = await page.passed(request(b"POST /orders", body=body))
    assert found["request"]["body"]["text"] == body.decode()
    assert found["response"]["body"]["text"] == "done"


@pytest.mark.parametrize("route", [{"content_types": ["text/xml"]}])
async def test_an_answer_of_the_proxy_is_kept_too(page: Page) -> None:
    """As the sender got it."""
    await page.record()
    answered = await page.proxy.ask(request(b"POST /orders", b"Content-Type: a/b", body=b"<order/>"))
    found = await page.newest()
    assert (found["status"], found["made_by"]) == (415, "proxy")
    assert found["response"]["body"]["text"] == answered.body.decode()
    assert fields(found["response"], "accept") == ["text/xml"]


async def test_credentials_are_masked(
    open_page: OpenPage, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path
) -> None:
    """Authorization, cookies, keys, tokens, `set_fields` from variables."""
    (tmp_path / "keys").write_text("s3cr3tKey\n")
    options = {"inbound_auth": {"api_key": {"field": "X-Sender", "keys_file": str(tmp_path / "keys")}}}
    page = await open_page(document(upstream, authority, name="orders", **options))
    upstream.follow(answer(200, b"Set-Cookie: A=s3cr3tUpstreamCookie", b"X-Next-Token: s3cr3tKey", body=b"done"))
    await page.record()
    shown = [b"Authorization: Basic s3cr3tBasic", b"Cookie: a=s3cr3tCookie", b"X-Sender: s3cr3tKey"]
    found = await page.passed(request(b"POST /orders?key=s3cr3tKey", *shown, b"X-CSRF-Token: Fetch", body=b"<order/>"))
    assert fields(found["request"], "authorization", "cookie", "x-sender") == ["***", "***", "***"]
    assert fields(found["request"], "x-csrf-token") == ["Fetch"]
    assert fields(found["response"], "set-cookie", "x-next-token") == ["***", "***"]
    assert found["query"] == "key=***"


async def test_no_resource_has_a_secret_while_all_is_recorded(
    open_page: OpenPage, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """State, rows, details, bodies, OAuth clients, events."""
    page = await open_page(document(upstream, authority, name="orders"))
    stream = await page.stream()
    upstream.follow(answer(200, b"Set-Cookie: A=s3cr3tUpstreamCookie; Path=/", body=b"done"))
    await page.record()
    sender = await page.proxy.sender()
    shown = [b"Authorization: Basic s3cr3tBasic", b"Cookie: a=s3cr3tCookie", b"X-API-Key: s3cr3tKey"]
    await sender.ask(request(b"POST /orders?access_token=s3cr3tKey", *shown, body=b"<order/>"))
    page.timers.ring(PAUSE)
    texts = [str(await stream.event()), str(await stream.event())]
    found = await page.newest()
    urls = [found["request"]["body"]["download"], found["response"]["body"]["download"]]
    paths = ["state", "traffic", f"traffic/{found['id']}", "clients", *(url.removeprefix("api/") for url in urls)]
    texts += [await (await page.open(path)).text() for path in paths]
    assert [secret for secret in SECRETS if any(secret in text for text in texts)] == []
    assert len(texts[-1]) == len("done")


async def test_bodies_are_saved_and_never_shown_as_pages(page: Page, upstream: Upstream) -> None:
    """Whatever their type."""
    upstream.follow(answer(200, b"Content-Type: text/html", body=b"<script>alert(1)</script>"))
    await page.record()
    found = await page.passed(request(b"POST /orders", b"Content-Type: text/html", body=b"<script/>"))
    for part, body in (("request", b"<script/>"), ("response", b"<script>alert(1)</script>")):
        answered = await page.open(found[part]["body"]["download"].removeprefix("api/"))
        assert await answered.read() == body
        assert answered.headers["Content-Type"] == "application/octet-stream"
        assert answered.headers["Content-Disposition"].startswith("attachment")
        assert answered.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_large_body_is_cut(page: Page, upstream: Upstream) -> None:
    """To a mebibyte, in the recording only; it cannot be sent again."""
    body = b"x" * (SHOWN + 10)
    upstream.follow(answer(200, body=body))
    await page.record()
    answered = await page.proxy.ask(request(b"POST /orders", body=body))
    assert answered.body == body
    assert upstream.requests[-1].body == body
    found = await page.newest()
    for part in ("request", "response"):
        assert (found[part]["body"]["size"], found[part]["body"]["kept"]) == (SHOWN + 10, SHOWN)
    assert (found["curl"], found["send_again"]) == (None, False)
    assert found["curl_reason"] == "The body was not kept as a whole."


async def test_the_memory_of_all_recordings_is_bounded(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest go first; those that run count too."""
    monkeypatch.setattr(recordings, "MOST_BYTES", 100_000)
    await page.record()
    sender = await page.proxy.sender()
    for _ in range(5):
        await sender.ask(request(b"POST /orders", body=b"x" * 30_000))
        assert page.console.recordings.bytes <= 100_000
    rows = (await page.get("traffic"))["exchanges"]
    assert [row["recorded"] for row in rows] == [True, True, True, False, False]
    await sender.ask(request(b"POST /orders", body=b"x" * 200_000))
    assert page.console.recordings.bytes <= 100_000
    assert (await page.newest())["recorded"] is False


async def test_so_many_exchanges_are_kept(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """However small they are."""
    monkeypatch.setattr(recordings, "MOST", 2)
    await page.record()
    sender = await page.proxy.sender()
    for _ in range(3):
        await sender.ask(request(b"GET /orders"))
    rows = (await page.get("traffic"))["exchanges"]
    assert [row["recorded"] for row in rows] == [True, True, False]


async def test_a_recording_ends_by_itself_and_everything_kept_goes(page: Page) -> None:
    """The log has beginning and end."""
    await page.record(minutes=2)
    await page.proxy.ask(request(b"POST /orders", body=b"<order/>"))
    (shown,) = (await page.get("state"))["recordings"]
    assert shown == {"route": "orders", "until": page.proxy.clock.wall() + 120}
    page.timers.ring(120)
    assert (await page.get("state"))["recordings"] == []
    assert (await page.newest())["request"] is None
    assert page.console.recordings.bytes == 0
    (started,) = page.proxy.lines.named("recording.started")
    (stopped,) = page.proxy.lines.named("recording.stopped")
    assert (started["route"], started["minutes"]) == ("orders", 2)
    assert (stopped["route"], stopped["exchanges"]) == ("orders", 1)


async def test_an_exchange_that_outlives_the_recording_keeps_nothing(page: Page, upstream: Upstream) -> None:
    """The rest passes as ever."""
    upstream.follow(held := Held())
    await page.record()
    sender = await page.proxy.begin(request(b"POST /orders", body=b"<order/>"))
    await upstream.reach(1)
    await page.ask("recordings/orders", "DELETE")
    held.go.set()
    assert (await sender.answer()).body == b"done"
    assert (await page.newest())["recorded"] is False
    assert page.console.recordings.bytes == 0


@cases("minutes", 0, -1, 15.1, True, "15", None)
async def test_a_recording_has_at_most_fifteen_minutes(page: Page, minutes: Any) -> None:
    """Anything else is refused."""
    status, content = await page.ask("recordings/orders", "PUT", json={"minutes": minutes})
    assert (status, content["title"]) == (400, "Bad Request")
    assert (await page.get("state"))["recordings"] == []


async def test_a_recording_can_be_prolonged(page: Page) -> None:
    """The later end counts, and what was kept stays."""
    await page.record(minutes=1)
    await page.proxy.ask(request(b"POST /orders", body=b"<order/>"))
    await page.record(minutes=15)
    page.timers.ring(60)
    assert (await page.newest())["recorded"] is True


async def test_recordings_end_with_the_proxy(page: Page) -> None:
    """And so do timers."""
    await page.record()
    await page.proxy.app.stop()
    assert page.timers.seconds == []
    assert len(page.proxy.lines.named("recording.stopped")) == 1


async def test_a_recorded_route_is_recorded_after_a_reload(
    page: Page, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """By its name."""
    await page.record()
    changed: Document = document(upstream, authority, name="orders", timeout="1m")
    await page.proxy.reload(changed)
    await page.proxy.ask(request(b"POST /orders", body=b"<order/>"))
    assert (await page.newest())["recorded"] is True


async def test_a_body_in_another_coding_is_no_text(page: Page, upstream: Upstream) -> None:
    """It can be saved; gzip is decoded."""
    import gzip  # noqa: PLC0415

    for coding, body, text in ((b"gzip", gzip.compress(b"<done/>"), "<done/>"), (b"br", b"abc", None)):
        upstream.follow(answer(200, b"Content-Encoding: " + coding, body=body))
        await page.record()
        await page.proxy.ask(request(b"POST /orders", body=b"\0\1"))
        found = await page.newest()
        assert (found["request"]["body"]["text"], found["response"]["body"]["text"]) == (None, text)


async def test_a_message_that_did_not_come_to_its_end_cannot_be_sent_again(page: Page, upstream: Upstream) -> None:
    """What has arrived of it is shown."""
    await page.record()
    framings = (b"Content-Length: 100\r\n\r\n<order>", b"Transfer-Encoding: chunked\r\n\r\n7\r\n<order>")
    for count, framing in enumerate(framings, 1):
        sender = await page.proxy.begin(b"POST /orders HTTP/1.1\r\nHost: a\r\n" + framing)
        await until(lambda: page.proxy.app.state().in_flight)
        sender.leave()
        await page.proxy.accounts(count)
        found = await page.newest()
        assert (found["status"], found["request"]["body"]["text"]) == (400, "<order>")
        assert (found["curl"], found["curl_reason"]) == (None, "The body was not kept as a whole.")
    assert upstream.requests == []
