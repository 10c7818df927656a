"""The pages' events come in groups, bounded, and without a page no timer runs."""

import asyncio

import pytest

from proxy.console import events, live
from proxy.console.events import MOST, PAUSE, QUIET
from tests.fakes.authorization_server import AuthorizationServer, granted, refused
from tests.fakes.sender import request
from tests.fakes.upstream import Upstream
from tests.flow.console.conftest import OpenPage
from tests.flow.console.page import EventStream, Page
from tests.flow.running import document, soon, until
from tests.system.command import free_port

POST = request(b"POST /orders", body=b"<order/>")


async def test_what_has_changed_is_one_event(page: Page) -> None:
    """All exchanges, the newest first."""
    stream = await page.stream()
    sender = await page.proxy.sender()
    for _ in range(3):
        await sender.ask(POST)
    page.timers.ring(PAUSE)
    name, content = await stream.event()
    rows = (await page.get("traffic"))["exchanges"]
    assert (name, content) == ("traffic", {"exchanges": rows, "dropped": 0})
    assert (await stream.event())[0] == "clients"


async def test_nothing_is_sent_if_nothing_has_changed(page: Page) -> None:
    """But for comments, which keep the connection alive."""
    stream = await page.stream()
    for _ in range(round(QUIET / PAUSE)):
        page.timers.ring(PAUSE)
    assert await stream.comment() == "quiet"


async def test_a_stream_ends_with_the_session_that_it_was_opened_with(page: Page) -> None:
    """After twelve hours, to the second; one of the token goes on."""
    access, port = page.proxy.app.admin.access, page.proxy.app.admin.port
    own = await page.stream(f"Cookie: cpi-oauth-proxy-{port}={access.sign_in(page.token)}")
    other = await page.stream()
    page.proxy.clock.advance(12 * 3600 - 1)
    await page.proxy.ask(POST)
    page.timers.ring(PAUSE)
    assert (await own.event())[0] == (await other.event())[0] == "traffic"
    page.proxy.clock.advance(1)
    page.timers.ring(PAUSE)
    await soon(own.ends())
    access.update("another-token-0123456789")
    page.timers.ring(PAUSE)
    await soon(other.ends())
    await until(lambda: len(page.console.events) == 0)


async def test_many_exchanges_are_counted(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the newest are rendered."""
    monkeypatch.setattr(live, "MOST", 2)
    stream = await page.stream()
    sender = await page.proxy.sender()
    for count in (5, 3):
        for _ in range(count):
            await sender.ask(POST)
        page.timers.ring(PAUSE)
    found = [content for name, content in [await stream.event() for _ in range(3)] if name == "traffic"]
    assert [(len(each["exchanges"]), each["dropped"]) for each in found] == [(2, 3), (2, 4)]


async def test_messages_pass_while_an_event_is_rendered(page: Page) -> None:
    """Each exchange is rendered in a turn of the event loop of its own."""
    stream = await page.stream()
    sender = await page.proxy.sender()
    for _ in range(10):
        await sender.ask(POST)
    page.timers.ring(PAUSE)
    (waiting,) = page.console.events._streams
    turns = 0
    while not waiting._waiting:
        await asyncio.sleep(0)
        turns += 1
    assert turns >= 10
    assert len((await stream.event())[1]["exchanges"]) == 10


async def test_a_look_waits_for_the_one_before(page: Page) -> None:
    """What ended meanwhile is told by the next."""
    stream = await page.stream()
    await page.proxy.ask(POST)
    page.timers.ring(PAUSE)
    page.console.traffic.finished(page.console.traffic.newest()[0][2])
    page.timers.ring(PAUSE)
    first = await stream.event()
    assert (first[0], len(first[1]["exchanges"]), (await stream.event())[0]) == ("traffic", 1, "clients")
    page.timers.ring(PAUSE)
    assert len((await stream.event())[1]["exchanges"]) == 1


async def test_an_oauth_client_whose_state_changes_is_told(open_page: OpenPage, upstream: Upstream) -> None:
    """Also by time alone."""
    script = granted("token-1", expires_in=1000), refused(401, error="invalid_client")
    async with AuthorizationServer(*script) as authority:
        await follow_client(await open_page(document(upstream, authority)))


async def follow_client(page: Page) -> None:
    """A token is granted, expires, and is not renewed."""
    stream = await page.stream()
    await page.proxy.ask(POST)
    page.timers.ring(PAUSE)
    assert (await stream.event())[0] == "traffic"
    assert (await stream.event())[1]["clients"][0]["state"] == "fresh"
    page.proxy.clock.advance(2000)
    page.timers.ring(PAUSE)
    assert (await stream.event())[1]["clients"][0]["state"] == "expired"
    await page.ask("clients/orders/renew", "POST")
    page.timers.ring(PAUSE)
    (client,) = (await stream.event())[1]["clients"]
    assert (client["state"], client["failure"]["code"]) == ("blocked", "grant_rejected")


async def test_recordings_are_told(page: Page) -> None:
    """Beginning and end."""
    stream = await page.stream()
    await page.record()
    page.timers.ring(PAUSE)
    assert (await stream.event())[1]["recordings"][0]["route"] == "orders"
    page.timers.ring(15 * 60)
    page.timers.ring(PAUSE)
    assert await stream.event() == ("recordings", {"recordings": []})


async def test_no_timer_runs_without_a_stream(page: Page) -> None:
    """Before the first and after the last one."""
    assert page.timers.seconds == []
    first = await page.stream()
    second = await page.stream()
    assert page.timers.seconds == [PAUSE]
    first.sender.leave()
    await until(lambda: len(page.console.events) == 1)
    assert page.timers.seconds == [PAUSE]
    second.sender.leave()
    await until(lambda: page.timers.seconds == [])


async def test_there_are_so_many_streams(page: Page) -> None:
    """One more is a 429; a page that goes makes room."""
    streams = [await page.stream() for _ in range(MOST)]
    status, content = await page.ask("events")
    assert (status, content["title"]) == (429, "Too Many Requests")
    streams[0].sender.leave()
    await until(lambda: len(page.console.events) == MOST - 1)
    await page.stream()


async def test_a_stream_that_is_not_read_is_dropped(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others go on."""
    monkeypatch.setattr(events, "MOST_UNREAD", 200_000)
    await page.stream()
    quick = await page.stream()
    sender = await page.proxy.sender()
    reading = asyncio.ensure_future(read_all(quick))
    while len(page.console.events) == 2:
        for _ in range(10):
            await sender.ask(request(b"POST /orders/" + b"x" * 2000, body=b""))
        page.timers.ring(PAUSE)
        await asyncio.sleep(0)
        assert all(len(each._waiting) <= 200_000 for each in page.console.events._streams)
    reading.cancel()
    assert len(page.console.events) == 1


async def read_all(stream: EventStream) -> None:
    """Reads events for ever."""
    while True:
        await stream.more()


async def test_streams_end_with_the_proxy(page: Page) -> None:
    """In order, so that pages connect again."""
    stream = await page.stream()
    await soon(page.proxy.app.stop())
    assert (await stream.sender.rest()).endswith(b"0\r\n\r\n")
    assert page.timers.seconds == []


async def test_a_reload_keeps_the_streams(page: Page, upstream: Upstream, authority: AuthorizationServer) -> None:
    """Messages before and after are told."""
    stream = await page.stream()
    await page.proxy.reload(document(upstream, authority, name="orders", max_body=1000))
    await page.proxy.ask(POST)
    page.timers.ring(PAUSE)
    assert (await stream.event())[0] in ("clients", "traffic")


async def test_another_admin_address_has_the_console_too(
    page: Page, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """The old one's streams end; the new one has the past."""
    await page.proxy.ask(POST)
    stream = await page.stream()
    changed = document(upstream, authority, name="orders") | {"admin": f"127.0.0.1:{free_port()}"}
    await soon(page.proxy.reload(changed))
    await soon(stream.sender.rest())
    async with Page(page.proxy, page.console, page.timers) as moved:
        assert len((await moved.get("traffic"))["exchanges"]) == 1
        await moved.stream()
        await until(lambda: len(page.console.events) == 1)


async def test_a_fault_while_looking_does_not_end_the_streams(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next look comes."""
    stream = await page.stream()
    monkeypatch.setattr(page.console.traffic, "newest", lambda *_, **__: 1 / 0)
    await page.proxy.ask(POST)
    with pytest.raises(ZeroDivisionError):
        page.timers.ring(PAUSE)
    monkeypatch.undo()
    page.timers.ring(PAUSE)
    assert (await stream.event())[0] == "traffic"
