"""Before the real sandbox: from SAP's example to a fault that is understood and gone."""

from pathlib import Path

from playwright.async_api import Page, expect

from tests.browser.conftest import OpenPage, answered, press
from tests.fakes.console_api import POLICY
from tests.system.command import ROOT, Command
from tests.system.test_sandbox_command import six_free_ports


async def go(page: Page, name: str) -> None:
    """By the navigation."""
    await page.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(name)


async def test_who_has_only_the_url(open_page: OpenPage, tmp_path: Path) -> None:
    """Sees the handshake, makes the tenant fail, reads why, and sends again."""
    words = ("--port-base", str(six_free_ports()), "--proxy", str(ROOT / "config" / "sandbox.yaml"))
    async with Command("sandbox", *words, cwd=tmp_path) as command:
        printed = await command.prints(r"The console, in a browser: (\S+)")
        page = await open_page(url=printed[1])
        assert "token=" not in page.url
        await page.get_by_role("region", name="Try it").get_by_role("link", name="CSRF handshake").click()
        await expect(page.get_by_role("region", name="POST /http/orders")).to_contain_text(
            "The flow is CSRF protected."
        )
        await page.get_by_role("switch", name="Record http").check()
        await go(page, "Send")
        await page.get_by_role("button", name="Order", exact=True).click()
        await press(page, "Send")
        await expect(page.get_by_label("Body of the answer")).to_contain_text("Photo Scan")
        await page.get_by_role("link", name="See that exchange").click()
        await expect(page.get_by_role("region", name="POST /http/orders")).to_contain_text("CSRF handshake")
        await go(page, "Send")
        await press(page, "Fetch a CSRF token")
        await press(page, "Send")
        await expect(page.get_by_role("table", name="Fields of the answer")).to_contain_text("X-CSRF-Token")
        await go(page, "Sandbox")
        await page.get_by_role("switch", name="runtime.role_missing").check()
        await go(page, "Send")
        await page.get_by_role("button", name="Order", exact=True).click()
        await press(page, "Send")
        await answered(page, "403 Forbidden")
        await go(page, "Sandbox")
        await press(page, "All off")
        await go(page, "Traffic")
        await page.get_by_role("row").filter(has_text="403").click()
        await expect(page.get_by_role("region", name="Diagnosis")).to_contain_text("ESBMessaging.send")
        await press(page, "Send again")
        await answered(page)
        await go(page, "Routes")
        await press(page.get_by_role("region", name="http"), "Check")
        await expect(page.get_by_text("All is well.").or_(page.get_by_text("It works, with"))).to_be_visible()
        await go(page, "OAuth clients")
        await press(page.get_by_role("region", name="invoices"), "Renew")
        await expect(page.get_by_role("region", name="invoices")).to_contain_text("Fresh")
        answer = await page.request.get(page.url)
        assert answer.headers["content-security-policy"] == POLICY
