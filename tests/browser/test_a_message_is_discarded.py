"""One click discards a message of the outbox; for four seconds another takes it back."""

import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.conftest import OpenPage, press
from tests.fakes.console_api import ConsoleApi
from tests.fakes.console_samples import outbox_message
from tests.flow.running import until

DELETE = ("DELETE", "/outbox/messages/m1", b"")


@pytest_asyncio.fixture(loop_scope="session")
async def discarded(open_page: OpenPage, api: ConsoleApi) -> Page:
    """Of two messages; the clock stands still since."""
    api.overview["pages"]["outbox"] = True
    api.outbox_messages = [outbox_message(1), outbox_message(2)]
    page = await open_page("#/outbox/m1")
    await page.clock.install()
    await page.clock.pause_at(api.overview["now"] + 3600)
    await press(page, "Discard")
    await expect(page.get_by_role("link", name="m1")).to_have_count(0)
    await expect(page.get_by_text("Message m1 is discarded.")).to_be_visible()
    return page


async def test_a_message_goes_when_nobody_undoes_it(discarded: Page, api: ConsoleApi) -> None:
    """After four seconds, without a question."""
    await discarded.clock.run_for(3900)
    assert api.received == []
    await discarded.clock.run_for(200)
    await until(lambda: api.received == [DELETE])
    await expect(discarded.get_by_role("button", name="Undo")).to_have_count(0)
    await expect(discarded.get_by_role("link", name="m2")).to_be_visible()


async def test_undo_takes_it_back(discarded: Page, api: ConsoleApi) -> None:
    """By Enter too: Undo has the focus. It is open again."""
    await discarded.clock.run_for(100)
    await expect(discarded.get_by_role("button", name="Undo")).to_be_focused()
    await discarded.keyboard.press("Enter")
    await discarded.clock.run_for(100)
    await expect(discarded.get_by_role("heading", name="Message m1")).to_be_visible()
    await expect(discarded.get_by_role("link", name="m1")).to_be_visible()
    await discarded.clock.run_for(10_000)
    await discarded.clock.resume()
    await discarded.reload()
    await expect(discarded.get_by_role("link", name="m1")).to_be_visible()
    assert api.received == []


async def test_leaving_the_page_does_not_take_it_back(discarded: Page, api: ConsoleApi) -> None:
    """It is sent as the page goes."""
    await discarded.clock.resume()
    await discarded.reload()
    await until(lambda: api.received == [DELETE])
    await expect(discarded.get_by_role("link", name="m2")).to_be_visible()


async def test_a_message_that_cannot_be_discarded_is_there_again(discarded: Page, api: ConsoleApi) -> None:
    """With the reason."""
    api.refusal = {"title": "Conflict", "detail": "It is being delivered."}
    await discarded.clock.run_for(4000)
    await expect(
        discarded.get_by_text("Message m1 was not discarded. Conflict: It is being delivered.")
    ).to_be_visible()
    await expect(discarded.get_by_role("link", name="m1")).to_be_visible()
