"""Whatever senders, flows, authorization servers and certificates write is text."""

from playwright.async_api import Page, expect

from tests.browser.conftest import OpenPage, press
from tests.cases import cases
from tests.fakes.console_api import ConsoleApi
from tests.fakes.console_samples import (
    HOSTILE,
    HOSTILE_SHOWN,
    answer,
    blocked,
    body,
    client,
    outbox_message,
    recorded,
    route,
    step,
)

LONG = "x" * 2000


async def fits(page: Page) -> bool:
    """Nothing is wider than the window."""
    return bool(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


async def is_text(page: Page) -> None:
    """It is shown, made no element, and ran no script."""
    await expect(page.get_by_text(HOSTILE_SHOWN).filter(visible=True).first).to_be_visible()
    assert await page.locator("main img, main script").count() == 0
    assert await fits(page)


@cases("width", 390, 1280)
async def test_in_traffic(open_page: OpenPage, api: ConsoleApi, width: int) -> None:
    """Paths, senders, fields, bodies, ids and diagnoses."""
    texts = dict.fromkeys(
        ("sender", "path", "query", "mpl_id", "user", "correlation_id", "client_certificate"), HOSTILE
    )
    hostile = recorded(1, **texts, detail=HOSTILE + LONG, diagnosis=HOSTILE, what_to_do=HOSTILE, upstream=LONG)
    side = {"fields": [[HOSTILE, HOSTILE + LONG]], "body": body(HOSTILE + LONG, HOSTILE, "api/traffic/x1/request-body")}
    await api.add(hostile | {"request": side, "response": side, "curl_reason": HOSTILE, "method": LONG[:32]})
    page = await open_page(width=width)
    await is_text(page)
    await page.get_by_role("row").nth(1).click()
    await expect(page.get_by_label("Body of the request")).to_contain_text(HOSTILE_SHOWN)
    await is_text(page)


@cases("media_type", "text/html", "application/json", "application/xml", "image/svg+xml")
async def test_in_an_answer(open_page: OpenPage, api: ConsoleApi, media_type: str) -> None:
    """Whatever its type says."""
    text = f'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(3)</script></svg>{HOSTILE}'
    api.answer = answer(body=body(text, media_type), fields=[["X", HOSTILE]], mpl_id=HOSTILE, detail=HOSTILE)
    page = await open_page("#/send")
    await press(page, "Send")
    await expect(page.get_by_label("Body of the answer")).to_contain_text("<script>alert(3)</script>")
    await is_text(page)


async def test_in_oauth_clients(open_page: OpenPage, api: ConsoleApi) -> None:
    """Errors, claims, and subjects of certificates."""
    failure = blocked("a")["failure"] | {"detail": HOSTILE + LONG, "what_to_do": HOSTILE, "code": HOSTILE}
    certificate = {"file": LONG, "subject": HOSTILE, "ends_at": 0}
    claims = {HOSTILE: HOSTILE, "list": [HOSTILE], "deep": {"a": HOSTILE}, "number": 1}
    api.clients = [client("a", failure=failure, claims=claims, certificates=[certificate], client_id=HOSTILE)]
    api.renewed["a"] = {"title": "The authorization server refused the grant", "detail": HOSTILE}
    page = await open_page("#/clients")
    await page.get_by_text("Claims of the token").click()
    await is_text(page)
    await press(page, "Renew")
    await expect(page.get_by_role("alert")).to_contain_text(HOSTILE_SHOWN)
    await is_text(page)


async def test_in_routes(open_page: OpenPage, api: ConsoleApi) -> None:
    """Names, paths, fences, steps of a check."""
    api.overview["routes"] = [route("a", HOSTILE, HOSTILE, upstream=HOSTILE + LONG, fences=[HOSTILE, LONG])]
    api.steps["a"] = [step(HOSTILE, "failed", HOSTILE, HOSTILE + LONG)]
    page = await open_page("#/routes")
    await is_text(page)
    await press(page, "Check")
    await expect(page.get_by_text("Failed: ")).to_be_visible()
    await is_text(page)


async def test_in_the_outbox_and_the_sandbox(open_page: OpenPage, api: ConsoleApi) -> None:
    """Targets, fields and ids of messages."""
    api.overview["pages"]["outbox"] = True
    api.outbox_messages = [outbox_message(1, target=HOSTILE, fields=[[HOSTILE, LONG]], message_id=HOSTILE)]
    page = await open_page("#/outbox/m1")
    await is_text(page)
    api.sandbox["messages"] = [{"at": 0, "flow": HOSTILE + LONG, "status": 200, "bytes": 1, "target": HOSTILE}]
    await page.get_by_role("link", name="Sandbox").click()
    await is_text(page)


async def test_in_an_imported_collection(open_page: OpenPage, api: ConsoleApi) -> None:
    """Names of requests, and reasons."""
    request = {"name": HOSTILE, "route": "", "method": "POST", "path": HOSTILE, "fields": [], "body": HOSTILE}
    api.imported = {"requests": [request], "skipped": [{"name": HOSTILE, "reason": HOSTILE + LONG}]}
    page = await open_page("#/send")
    await page.get_by_label("Import").set_input_files({"name": "c", "mimeType": "", "buffer": b"{}"})
    await is_text(page)
