"""Keys do everything; the focus is seen and kept."""

from playwright.async_api import Page, expect

from tests.browser.conftest import OpenPage, answered
from tests.fakes.console_api import ConsoleApi
from tests.fakes.console_samples import answer, exchange, recorded


async def focused(page: Page) -> str | None:
    """By its row."""
    found: str | None = await page.evaluate("document.activeElement?.dataset.id ?? null")
    return found


async def test_rows_are_walked_opened_and_closed(page: Page, api: ConsoleApi) -> None:
    """By j, k and arrows, Enter, and Escape, which focuses the row."""
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
    """New rows above do not take it."""
    await api.add(exchange(1), exchange(2))
    await expect(page.get_by_role("row")).to_have_count(3)
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await api.add(exchange(3))
    await expect(page.get_by_role("row")).to_have_count(4)
    assert await focused(page) == "x1"


async def test_slash_filters(page: Page, api: ConsoleApi) -> None:
    """There letters are letters; Escape leaves it."""
    await api.add(exchange(1))
    await page.keyboard.press("/")
    await page.keyboard.type("gjk?")
    await expect(page.get_by_label("Filter")).to_have_value("gjk?")
    await page.keyboard.press("Escape")
    await expect(page.get_by_label("Filter")).not_to_be_focused()


async def test_g_and_a_letter_go_to_a_page(page: Page) -> None:
    """Where the focus is afterwards."""
    for letter, name in {"s": "Send", "c": "OAuth clients", "r": "Routes", "x": "Sandbox", "t": "Traffic"}.items():
        await page.keyboard.press("g")
        await page.keyboard.press(letter)
        await expect(page.get_by_role("heading", level=1)).to_have_text(name)
        await expect(page).to_have_title(f"{name} · cpi-oauth-proxy")
        await expect(page.get_by_role("main")).to_be_focused()


async def test_a_question_mark_lists_the_keys(page: Page, api: ConsoleApi) -> None:
    """Escape closes it; the focus is where it was."""
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
    """By the first stop of Tab, on the same page."""
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("main")).to_be_focused()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Traffic")


async def test_a_message_is_sent_without_a_mouse(open_page: OpenPage, api: ConsoleApi) -> None:
    """Tab, typing, Ctrl+Enter."""
    api.answer = answer()
    page = await open_page("#/send")
    while not await page.evaluate("document.activeElement?.labels?.[0]?.textContent.startsWith('Path')"):
        await page.keyboard.press("Tab")
    await page.keyboard.type("/orders")
    await page.keyboard.press("Control+Enter")
    await answered(page)
    assert [line["path"] for line, _ in api.sent] == ["/orders"]


async def test_the_focus_is_seen(page: Page, api: ConsoleApi) -> None:
    """By an outline, at each stop of Tab."""
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
    """Of its name, which leads nowhere else."""
    api.exchanges = [exchange(1, replays=["fetch_csrf"], attempts=2)]
    page = await open_page()
    for place in ("traffic", "send", "clients", "routes", "sandbox"):
        await page.goto(f"{api.url}#/{place}")
        await page.get_by_role("heading").first.wait_for()
        for name in ("Traffic", "Send", "OAuth clients", "Routes", "Sandbox"):
            await expect(page.get_by_role("link", name=name)).to_have_count(1)
