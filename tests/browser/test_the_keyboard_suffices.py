"""Everything can be done with the keyboard, and the focus is seen and kept."""

from playwright.async_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.fakes.console_api import ConsoleApi
from tests.fakes.console_samples import answer, exchange, recorded


async def focused(page: Page) -> str | None:
    """The exchange whose row has the focus."""
    found: str | None = await page.evaluate("document.activeElement?.dataset.id ?? null")
    return found


async def test_rows_are_walked_opened_and_closed(page: Page, api: ConsoleApi) -> None:
    """j, k and arrows go from row to row, Enter opens, Escape closes and brings the focus back to the row."""
    await api.add(recorded(1), exchange(2), exchange(3))
    await expect(page.get_by_role("row")).to_have_count(4)
    visited = []
    for key in ("j", "ArrowDown", "j", "k"):
        await page.keyboard.press(key)
        visited.append(await focused(page))
    assert visited == ["x3", "x2", "x1", "x2"]
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Close")).to_be_visible()
    assert page.url.endswith("#/traffic/x2")
    await page.keyboard.press("j")
    await page.wait_for_url("**#/traffic/x1")
    await page.get_by_role("button", name="Copy as curl").focus()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Close")).not_to_be_visible()
    await expect(page.locator("[data-id=x1]")).to_be_focused()


async def test_the_focus_stays_on_its_row_when_others_arrive(page: Page, api: ConsoleApi) -> None:
    """New rows above do not take the focus away."""
    await api.add(exchange(1), exchange(2))
    await expect(page.get_by_role("row")).to_have_count(3)
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await api.add(exchange(3))
    await expect(page.get_by_role("row")).to_have_count(4)
    assert await focused(page) == "x1"


async def test_slash_filters(page: Page, api: ConsoleApi) -> None:
    """Slash leads to the filter, where letters are letters; Escape leaves it."""
    await api.add(exchange(1))
    await page.keyboard.press("/")
    await page.keyboard.type("gjk?")
    await expect(page.get_by_label("Filter")).to_have_value("gjk?")
    await page.keyboard.press("Escape")
    await expect(page.get_by_label("Filter")).not_to_be_focused()


async def test_g_and_a_letter_go_to_a_page(page: Page) -> None:
    """Each page has its letter, and the focus is in the page afterwards."""
    for letter, name in {"s": "Send", "c": "OAuth clients", "r": "Routes", "x": "Sandbox", "t": "Traffic"}.items():
        await page.keyboard.press("g")
        await page.keyboard.press(letter)
        await expect(page.get_by_role("heading", level=1)).to_have_text(name)
        await expect(page).to_have_title(f"{name} · cpi-oauth-proxy")
        await expect(page.get_by_role("main")).to_be_focused()


async def test_a_question_mark_lists_the_keys(page: Page, api: ConsoleApi) -> None:
    """The list is a dialog that Escape closes; the focus is where it was."""
    await api.add(exchange(1))
    await expect(page.get_by_role("row")).to_have_count(2)
    await page.keyboard.press("j")
    await page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    await expect(dialog).to_contain_text("OAuth clients")
    await expect(dialog).to_contain_text("Next exchange")
    await page.keyboard.press("Escape")
    await expect(dialog).not_to_be_visible()
    await expect(page.locator("[data-id=x1]")).to_be_focused()


async def test_the_navigation_can_be_skipped(page: Page) -> None:
    """The first stop of Tab leads to the content, and the page stays the same."""
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("main")).to_be_focused()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Traffic")


async def test_a_message_is_sent_without_a_mouse(open_page: OpenPage, api: ConsoleApi) -> None:
    """Tab reaches the form, typing fills it in, and Ctrl+Enter sends."""
    api.answer = answer()
    page = await open_page("#/send")
    while not await page.evaluate("document.activeElement?.labels?.[0]?.textContent.startsWith('Path')"):
        await page.keyboard.press("Tab")
    await page.keyboard.type("/orders")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_role("region", name="Answer")).to_contain_text("200 OK")
    assert [line["path"] for line, _ in api.sent] == ["/orders"]


async def test_the_focus_is_seen(page: Page, api: ConsoleApi) -> None:
    """Each stop of Tab on the page has an outline."""
    await api.add(exchange(1))
    await expect(page.get_by_role("row")).to_have_count(2)
    unseen = []
    for _ in range(14):
        await page.keyboard.press("Tab")
        script = """() => {
            const at = document.activeElement;
            const shown = [at, at.parentElement].some((each) => parseFloat(getComputedStyle(each).outlineWidth) >= 2);
            return shown || at === document.body ? '' : at.outerHTML;
        }"""
        unseen.append(await page.evaluate(script))
    assert [each for each in unseen if each] == []


async def test_each_page_has_one_link(open_page: OpenPage, api: ConsoleApi) -> None:
    """Its name leads nowhere else: what is read aloud as Send is the page Send, on every page."""
    api.exchanges = [exchange(1, replays=["fetch_csrf"], attempts=2)]
    page = await open_page()
    for place in ("traffic", "send", "clients", "routes", "sandbox"):
        await page.goto(f"{api.url}#/{place}")
        await page.get_by_role("heading").first.wait_for()
        for name in ("Traffic", "Send", "OAuth clients", "Routes", "Sandbox"):
            await expect(page.get_by_role("link", name=name)).to_have_count(1)
