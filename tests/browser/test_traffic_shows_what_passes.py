"""Traffic lists exchanges as they end, finds and explains them."""

import json

from playwright.async_api import Page, expect

from tests.browser.conftest import OpenPage, answered, press
from tests.fakes.console_api import ConsoleApi
from tests.fakes.console_samples import MPL_ID, ORDER, exchange, failed, recorded, refused


async def test_without_exchanges_it_says_how_to_send_one(page: Page) -> None:
    """By a command."""
    await expect(page.get_by_role("heading", name="No messages yet")).to_be_visible()
    await expect(page.get_by_label("Command")).to_contain_text("http://127.0.0.1:8080/http/orders")


async def test_an_exchange_appears_when_it_ends(page: Page, api: ConsoleApi) -> None:
    """With all that the list promises, the newest first."""
    await api.add(exchange(1, sender="10.0.0.1"), exchange(2, sender="10.0.0.2"))
    rows = page.get_by_role("row")
    headings = ["Time", "Sender", "Method", "Path", "Route", "Status", "Duration", "Token", "MPL id"]
    await expect(rows).to_have_count(3)
    assert await page.get_by_role("columnheader").all_inner_texts() == headings
    cells = await rows.nth(1).get_by_role("cell").all_inner_texts()
    assert [each.strip() for each in cells[1:]] == [
        "10.0.0.2", "POST", "/http/orders", "http", "200", "4.2 ms", "cached", MPL_ID,
    ]  # fmt: skip
    assert await page.title() == "Traffic · cpi-oauth-proxy"


async def test_five_hundred_are_listed(page: Page, api: ConsoleApi) -> None:
    """And it is told how many more there were."""
    await api.add(*(exchange(number) for number in range(520)))
    await expect(page.get_by_role("row")).to_have_count(501)
    await expect(page.get_by_text("20 more exchanges not listed.")).to_be_visible()


async def test_pause_holds_the_list(page: Page, api: ConsoleApi) -> None:
    """What is new is counted, and comes afterwards."""
    await api.add(exchange(1))
    await expect(page.get_by_role("row")).to_have_count(2)
    await press(page, "Pause")
    await api.add(exchange(2), exchange(3))
    await expect(page.get_by_text("Paused, 2 new")).to_be_visible()
    await expect(page.get_by_role("row")).to_have_count(2)
    await press(page, "Pause")
    await expect(page.get_by_role("row")).to_have_count(4)


async def test_the_filter_finds_by_any_text_status_and_route(page: Page, api: ConsoleApi) -> None:
    """Together."""
    other = exchange(3, route="btp", path="/btp/invoices", sender="10.9.9.9")
    await api.add(exchange(1), failed(2), other, refused(4))
    rows = page.locator("tbody tr")
    await expect(rows).to_have_count(4)
    await page.get_by_label("Filter").fill("9.9.9 INVOICES")
    await expect(rows).to_have_count(1)
    await page.get_by_label("Filter").fill("")
    await page.get_by_label("Status", exact=True).select_option("4xx")
    await expect(rows).to_have_count(1)
    await page.get_by_label("Status", exact=True).select_option("answered by the proxy")
    await expect(rows).to_contain_text(["502"])
    await page.get_by_label("Status", exact=True).select_option("any status")
    await page.get_by_label("Route", exact=True).select_option("btp")
    await expect(rows).to_contain_text(["/btp/invoices"])
    await page.get_by_label("Filter").fill("nothing has this")
    await press(page, "Show all")
    await expect(rows).to_have_count(4)


async def test_the_csrf_handshake_is_explained(page: Page, api: ConsoleApi) -> None:
    """And where the time went."""
    await api.add(recorded(1))
    await page.get_by_role("row").nth(1).click()
    details = page.get_by_role("region", name="POST /http/orders")
    await expect(details).to_contain_text("The proxy fetched a CSRF token with the cookies of its session")
    phases = details.get_by_role("table", name="Phases").get_by_role("row")
    assert [" ".join(each.split()) for each in await phases.all_inner_texts()][1:] == [
        "token 9.0 ms", "connect 2.1 ms", "first byte 4.4 ms", "relay 0.1 ms", "total 15.7 ms",
    ]  # fmt: skip
    assert page.url.endswith("#/traffic/x1")
    await page.go_back()
    await expect(details).not_to_be_visible()


async def test_a_failure_comes_with_what_to_do(page: Page, api: ConsoleApi) -> None:
    """And the diagnosis."""
    await api.add(failed(1))
    await page.get_by_role("row").nth(1).click()
    diagnosis = page.get_by_role("region", name="Diagnosis")
    await expect(diagnosis).to_contain_text("role_missing")
    await expect(diagnosis).to_contain_text("What to do: Assign the role ESBMessaging.send")


async def test_a_recorded_message_is_shown_and_copied(page: Page, api: ConsoleApi) -> None:
    """Indented without a changed digit; curl is copied without the Clipboard API too."""
    curl = "curl \\\n  --data-raw 'a  b\n\n\tc \n'"
    await api.add(recorded(1) | {"curl": curl})
    await page.get_by_role("row").nth(1).click()
    sent = page.get_by_label("Body of the request")
    await expect(sent).to_have_text('{\n  "productIdentifier": "HT-1080",\n  "amount": 12345678901234567890\n}')
    await expect(page.get_by_role("table", name="Fields of the request")).to_contain_text("Authorization")
    await page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    await press(page, "Copy as curl")
    await expect(page.get_by_text("curl command copied.")).to_be_visible()
    await page.get_by_role("navigation").get_by_role("link", name="Send").click()
    await page.get_by_label("Body", exact=True).fill("")
    await page.get_by_label("Body", exact=True).press("Control+V")
    await expect(page.get_by_label("Body", exact=True)).to_have_value(curl)


async def test_what_was_not_recorded_cannot_be_sent_again(page: Page, api: ConsoleApi) -> None:
    """Beside the disabled buttons is the reason."""
    await api.add(exchange(1))
    await page.get_by_role("row").nth(1).click()
    await expect(page.get_by_role("button", name="Send again")).to_be_disabled()
    await expect(page.get_by_role("button", name="Copy as curl")).to_be_disabled()
    await expect(page.get_by_text("The body was not recorded.")).to_be_visible()


async def test_a_recorded_message_is_sent_again(page: Page, api: ConsoleApi) -> None:
    """The same bytes, without masked credentials; the answer is shown."""
    api.answer = recorded(9) | {
        "fields": [],
        "body": recorded(9)["response"]["body"],
        "truncated": False,
        "download": "",
    }
    await api.add(recorded(1))
    await page.get_by_role("row").nth(1).click()
    await press(page, "Send again")
    await answered(page)
    line = {"route": "http", "method": "POST", "path": "/orders", "fields": [["Content-Type", "application/json"]]}
    assert api.sent == [(line, ORDER.encode())]


async def test_a_route_is_recorded_for_a_while(page: Page, api: ConsoleApi) -> None:
    """By its switch; the time that is left runs down."""
    switch = page.get_by_role("switch", name="Record http")
    await switch.check()
    await expect(page.get_by_text("left", exact=False)).to_contain_text("1")
    await switch.uncheck()
    await expect(page.get_by_text(" left")).not_to_be_visible()
    path = "/console/api/recordings/http"
    assert [(method, target) for method, target, _ in api.received] == [("PUT", path), ("DELETE", path)]
    assert json.loads(api.received[0][2]) == {"minutes": 15}


async def test_what_the_stream_left_out_is_asked_for(open_page: OpenPage, api: ConsoleApi) -> None:
    """All are in the list a moment later."""
    page = await open_page()
    await api.tell("traffic", {"exchanges": [], "dropped": 0})
    api.exchanges = [exchange(2), exchange(1)]
    await api.tell("traffic", {"exchanges": [], "dropped": 2})
    await expect(page.locator("tbody tr")).to_have_count(2)
