"""`make screenshots`: starts the sandbox, does in its console what a person does first, and takes images of that."""

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.async_api import Browser, Page, async_playwright, expect

from tests.programs import chromium
from tests.system.command import ROOT, Command
from tools.screenshots.png import with_palette

FOLDER = ROOT / "docs/images"
ORDER = "Order"


async def main(port: str) -> None:
    """Takes all images, with a sandbox whose first port is this one."""
    words = ("--port-base", port, "--proxy", str(ROOT / "config/sandbox.yaml"))
    with TemporaryDirectory() as folder:
        async with Command("sandbox", *words, cwd=Path(folder)) as command, async_playwright() as playwright:
            printed = await command.prints(r"The console, in a browser: (\S+)")
            browser = await playwright.chromium.launch(
                executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
            )
            address = printed[1].partition("?")[0]
            page = await opened(browser, printed[1], scheme="light")
            await page.get_by_role("switch", name="Record http").check()
            await sent(page)
            await page.goto(f"{address}#/sandbox")
            await page.get_by_role("switch", name="runtime.role_missing").check()
            await sent(page)
            await page.goto(f"{address}#/sandbox")
            await page.get_by_role("button", name="All off").click()
            await page.goto(f"{address}#/traffic")
            await page.get_by_role("row").filter(has_text="403").click()
            await expect(page.get_by_role("region", name="Diagnosis")).to_be_visible()
            await taken(page, "console-light")
            narrow = await opened(browser, address, width=390, height=700, cookies=page)
            await narrow.get_by_role("row").filter(has_text="CSRF handshake").click()
            await expect(narrow.get_by_text("The flow is CSRF protected.")).to_be_visible()
            await taken(narrow, "console-narrow")
            dark = await opened(browser, address, scheme="dark", cookies=page)
            await sent(dark)
            await taken(dark, "console-dark")
            await browser.close()


async def opened(
    browser: Browser,
    url: str,
    *,
    scheme: str = "light",
    width: int = 1280,
    height: int = 720,
    cookies: Page | None = None,
) -> Page:
    """A page of the console; with the cookies of another one, it is signed in."""
    context = await browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if scheme == "dark" else "light"
    )
    if cookies is not None:
        await context.add_cookies([{**each} for each in await cookies.context.cookies()])  # type: ignore[typeddict-item]
    page = await context.new_page()
    await page.goto(url)
    await page.get_by_text("Live", exact=True).wait_for()
    return page


async def sent(page: Page) -> None:
    """SAP's example is sent, and has its answer."""
    await page.get_by_role("navigation").get_by_role("link", name="Send", exact=True).click()
    await page.get_by_role("button", name=ORDER, exact=True).click()
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_label("Body of the answer")).to_be_visible()


async def taken(page: Page, name: str) -> None:
    """The image of a page, with nothing pointed at."""
    await page.mouse.move(0, 0)
    image = with_palette(await page.screenshot(animations="disabled", caret="hide"))
    await asyncio.to_thread((FOLDER / f"{name}.png").write_bytes, image)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
