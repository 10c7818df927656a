"""The console's pages in Chromium, before a fake of their API. They may ask nobody else, and log no error."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Locator, Page, Request, async_playwright, expect

from tests.fakes.console_api import ConsoleApi
from tests.programs import chromium

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP *.example 127.0.0.1",
]
"Root has no sandbox; nothing that the browser asks for by itself is of interest here; hostile names point here."
FAILED = "Failed to load resource:"
"How the browser logs an answer that is a failure, or a lost connection. The page tells both; they are no fault of it."

expect.set_options(timeout=30_000)  # a busy machine

OpenPage = Callable[..., Awaitable[Page]]


async def press(within: Page | Locator, button: str) -> None:
    """By its name."""
    await within.get_by_role("button", name=button).click()


async def answered(page: Page, words: str = "200 OK") -> None:
    """On the page Send."""
    await expect(page.get_by_role("region", name="Answer")).to_contain_text(words)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In the loop that the browser lives in."""
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
            item.add_marker(pytest.mark.needs("chromium"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One for all tests."""
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield launched
        await launched.close()


@pytest_asyncio.fixture(loop_scope="session")
async def api() -> AsyncIterator[ConsoleApi]:
    """Nothing is in it yet."""
    fake = ConsoleApi()
    await fake.start()
    yield fake
    await fake.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser: Browser, api: ConsoleApi) -> AsyncIterator[OpenPage]:
    """In profiles of their own; none may log an error or ask somebody else."""
    faults: list[str] = []
    requests: list[str] = []
    own = api.url.partition("/console/")[0]

    async def opened(
        place: str = "", *, url: str = "", width: int = 1280, height: int = 800, scheme: str = "light"
    ) -> Page:
        nonlocal own
        own = url.partition("/console/")[0] or own
        context = await browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if scheme == "dark" else "light"
        )
        page = await context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", note)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", asked)
        await page.goto((url or api.url) + place)
        await page.get_by_text("Live", exact=True).wait_for()
        return page

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(FAILED):
            faults.append(message.text)

    def asked(request: Request) -> None:
        requests.append(request.url)

    yield opened
    for context in browser.contexts:
        await context.close()
    foreign = [each for each in requests if not each.removeprefix("blob:").startswith(f"{own}/")]
    assert (faults, foreign) == ([], [])


@pytest_asyncio.fixture(loop_scope="session")
async def page(open_page: OpenPage) -> Page:
    """Traffic, without exchanges."""
    return await open_page()
