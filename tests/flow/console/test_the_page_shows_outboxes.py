"""The page has its Outbox where a route has one, and is told when messages come, go and die."""

import asyncio
from pathlib import Path

from proxy.console.events import PAUSE
from proxy.outbox.message import MessageState
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.upstream import Upstream, answer
from tests.flow.console.conftest import OpenPage
from tests.flow.console.page import EventStream
from tests.flow.outbox import accepted, kept, outbox_document, posted


async def test_a_message_that_dies_is_told(
    open_page: OpenPage, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path
) -> None:
    """By the name of its route."""
    upstream.script.appendleft(answer(400))
    page = await open_page(outbox_document(upstream, authority, tmp_path))
    state = await page.get("state")
    assert state["pages"]["outbox"] is True
    assert [each["outbox"] for each in state["routes"]] == [True]
    stream = await (await page.stream()).opened()
    id_ = await accepted(await page.proxy.sender(), posted())
    async with asyncio.timeout(30):
        while [each.state for each in await kept(page.proxy)] != [MessageState.DEAD]:
            pass
    page.timers.ring(PAUSE)
    assert await told(stream) == {"routes": ["orders"]}
    assert (await page.get(f"../../outbox/messages/{id_}"))["state"] == "dead"


async def test_a_message_that_only_waits_is_told(
    open_page: OpenPage, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path
) -> None:
    """As one of a held route does."""
    page = await open_page(outbox_document(upstream, authority, tmp_path))
    await page.proxy.app.outboxes.store().hold("orders")
    stream = await (await page.stream()).opened()
    await accepted(await page.proxy.sender(), posted())
    page.timers.ring(PAUSE)
    assert await told(stream) == {"routes": ["orders"]}


async def told(stream: EventStream) -> object:
    """The next event about outboxes."""
    async with asyncio.timeout(30):
        while True:
            name, content = await stream.event()
            if name == "outbox":
                return content


async def test_what_the_page_sends_is_accepted_like_any_message(
    open_page: OpenPage, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path
) -> None:
    """Traffic says that the outbox answered."""
    page = await open_page(outbox_document(upstream, authority, tmp_path))
    status, sent = await page.send(b"<order/>")
    assert (status, sent["status"], sent["made_by"]) == (200, 202, "outbox")
    async with asyncio.timeout(30):
        while await kept(page.proxy):
            pass
    assert [each.body for each in upstream.requests] == [b"<order/>"]
