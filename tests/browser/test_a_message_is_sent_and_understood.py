"""Send sends a message of the form, and explains the answer."""

import json
from pathlib import Path

from playwright.async_api import Page, expect

from tests.browser.conftest import OpenPage, answered, press
from tests.cases import cases
from tests.fakes.console_api import ConsoleApi
from tests.fakes.console_samples import BINARY, MPL_ID, answer


async def fill(page: Page, **values: str) -> None:
    """By their labels."""
    for label, value in values.items():
        await page.get_by_label(label, exact=True).fill(value)


async def test_the_form_is_sent_byte_for_byte(open_page: OpenPage, api: ConsoleApi) -> None:
    """Route, method, path, fields and body."""
    api.answer = answer()
    page = await open_page("#/send")
    await page.get_by_label("Route", exact=True).select_option("btp")
    await page.get_by_label("Method", exact=True).select_option("PUT")
    await fill(page, Path="/orders?a=%2F&b=ü", Fields="X-One: 1\nX-Two: a: b", Body='{"ü": 1}\n')
    await press(page, "Send")
    await answered(page)
    fields = [["X-One", "1"], ["X-Two", "a: b"], ["Content-Type", "application/json"]]
    line = {"route": "btp", "method": "PUT", "path": "/orders?a=%2F&b=ü", "fields": fields}
    assert api.sent == [(line, '{"ü": 1}\n'.encode())]


async def test_a_file_is_sent_instead_of_the_text(open_page: OpenPage, api: ConsoleApi, tmp_path: Path) -> None:
    """Whatever its bytes are."""
    api.answer = answer()
    Path(tmp_path, "order.bin").write_bytes(BINARY)
    page = await open_page("#/send")
    await page.get_by_label("File", exact=True).set_input_files(Path(tmp_path, "order.bin"))
    await expect(page.get_by_text("Instead of the text: order.bin, 256 bytes")).to_be_visible()
    await press(page, "Send")
    await answered(page)
    assert [body for _, body in api.sent] == [BINARY]


async def test_the_answer_is_told(open_page: OpenPage, api: ConsoleApi) -> None:
    """Status, indented body, fields, phases, upstream URL, MPL id, diagnosis and what to do."""
    api.answer = answer(status=500, diagnosis="flow failed", what_to_do="Find the message in the monitor.")
    page = await open_page("#/send")
    await press(page, "Send")
    shown = page.get_by_role("region", name="Answer")
    await expect(shown.get_by_label("Body of the answer")).to_contain_text('      "Name": "Photo Scan",')
    for text in ("500 Internal Server Error", "Diagnosis: flow failed", "Find the message in the monitor.", MPL_ID):
        await expect(shown).to_contain_text(text)
    await expect(shown.get_by_role("table", name="Facts")).to_contain_text("https://127.0.0.1:9445/http/orders")
    await expect(shown.get_by_role("table", name="Fields of the answer")).to_contain_text("SAP_MessageProcessingLogID")
    await expect(shown.get_by_role("table", name="Phases")).to_contain_text("first byte")


async def test_a_long_wait_is_counted_and_can_be_canceled(open_page: OpenPage, api: ConsoleApi) -> None:
    """In seconds; Cancel closes the connection."""
    api.hold.clear()
    page = await open_page("#/send")
    await press(page, "Send")
    await expect(page.get_by_role("timer")).to_contain_text("on its way for 0")
    await press(page, "Cancel")
    await expect(page.get_by_role("alert")).to_contain_text("Canceled.")
    await api.canceled.wait()


async def test_it_goes_on_while_another_page_is_shown(open_page: OpenPage, api: ConsoleApi) -> None:
    """Traffic may be looked at meanwhile."""
    api.answer = answer()
    api.hold.clear()
    page = await open_page("#/send")
    await press(page, "Send")
    await page.get_by_role("link", name="Traffic").click()
    api.hold.set()
    await page.get_by_role("navigation").get_by_role("link", name="Send").click()
    await answered(page)


async def test_a_line_that_is_no_field_is_told(open_page: OpenPage, api: ConsoleApi) -> None:
    """By its line; nothing is sent."""
    page = await open_page("#/send")
    await fill(page, Fields="X-One: 1\nwhat is this")
    await press(page, "Send")
    await expect(page.get_by_role("alert")).to_have_text("Write fields as “Name: value”, not “what is this”.")
    assert api.sent == []


@cases(
    "most, length, told",
    (4, 5, "The body has 5 bytes; the route accepts 4 bytes."),
    (512, 2048, "The body has 2.0 KiB; the route accepts 512 bytes."),
    (1 << 20, (1 << 20) + 1, "The body has 1048577 bytes; the route accepts 1048576 bytes."),
)
async def test_a_body_above_the_routes_limit_is_not_sent(
    open_page: OpenPage, api: ConsoleApi, most: int, length: int, told: str
) -> None:
    """In units in which both sizes differ."""
    api.overview["routes"][0]["max_body"] = most
    page = await open_page("#/send")
    await page.get_by_label("File", exact=True).set_input_files(
        {"name": "f", "mimeType": "text/plain", "buffer": b"x" * length}
    )
    await press(page, "Send")
    await expect(page.get_by_role("alert")).to_have_text(told)
    assert api.sent == []


async def test_the_examples_request_is_filled_in(open_page: OpenPage, api: ConsoleApi) -> None:
    """By one click, before the sandbox."""
    api.answer = answer()
    page = await open_page("#/send")
    await press(page, "Fetch a CSRF token")
    await press(page, "Send")
    await answered(page)
    line = {"route": "http", "method": "GET", "path": "/orders", "fields": [["X-CSRF-Token", "fetch"]]}
    assert api.sent == [(line, b"")]


async def test_the_history_keeps_no_credential_and_no_large_body(open_page: OpenPage, api: ConsoleApi) -> None:
    """The rest can be filled in again, after the page was closed."""
    api.answer = answer()
    page = await open_page("#/send")
    await fill(page, Path="/small", Fields="X-Api-Key: geheim-1\nX-One: 1", Body="<a/>")
    await press(page, "Send")
    await fill(page, Path="/large", Body="x" * 10_000)
    await press(page, "Send")
    await expect(page.get_by_role("button", name="POST /large")).to_contain_text("body not kept")
    kept = await page.evaluate("JSON.stringify(localStorage)")
    assert "geheim-1" not in kept
    assert "xxxx" not in kept
    await page.reload()
    await press(page, "POST /small")
    await expect(page.get_by_label("Path", exact=True)).to_have_value("/small")
    await expect(page.get_by_label("Fields", exact=True)).to_have_value("X-One: 1\nContent-Type: application/xml")
    await expect(page.get_by_label("Body", exact=True)).to_have_value("<a/>")


async def test_a_collection_is_imported_and_exported(open_page: OpenPage, api: ConsoleApi) -> None:
    """Requests are listed and fill in the form; what is skipped is told; Export saves a file."""
    request = {"name": "Order", "route": "http", "method": "POST", "path": "/o", "fields": [["A", "b"]], "body": "{}"}
    api.imported = {"requests": [request], "skipped": [{"name": "Other", "reason": "goes to another host"}]}
    page = await open_page("#/send")
    file = {"name": "c.json", "mimeType": "application/json", "buffer": b'{"info": {}}'}
    await page.get_by_label("Import").set_input_files(file)  # type: ignore[arg-type]
    await expect(page.get_by_text("Other: goes to another host")).to_be_visible()
    await press(page, "Order POST /o, http")
    await expect(page.get_by_label("Path", exact=True)).to_have_value("/o")
    async with page.expect_download() as download:
        await press(page, "Export")
    assert (await download.value).suggested_filename == "requests.http"
    (imported, exported) = api.received
    assert imported == ("POST", "/console/api/import", b'{"info": {}}')
    assert json.loads(exported[2]) == {"requests": [request]}


async def test_a_collection_is_dropped_on_the_page(open_page: OpenPage, api: ConsoleApi) -> None:
    """Beside Import."""
    page = await open_page("#/send")
    async with page.expect_response("**/api/import"):
        await page.get_by_role("region", name="Saved requests").evaluate("""(region) => {
            const dropped = new DataTransfer();
            dropped.items.add(new File(['### Order'], 'orders.http'));
            region.dispatchEvent(new DragEvent('drop', { dataTransfer: dropped, bubbles: true, cancelable: true }));
        }""")
    assert api.received == [("POST", "/console/api/import", b"### Order")]


async def test_a_cut_answer_is_told(open_page: OpenPage, api: ConsoleApi) -> None:
    """So is one that is shown in part."""
    whole = answer()
    api.answer = whole | {"truncated": True, "whole": False, "body": whole["body"] | {"kept": 10}}
    page = await open_page("#/send")
    await press(page, "Send")
    shown = page.get_by_role("region", name="Answer")
    await expect(shown).to_contain_text("The first 10 bytes are shown. Save the body to have all of it.")
    await expect(shown).to_contain_text("The answer was cut")
    assert await shown.get_by_role("link", name="Save").get_attribute("href") == "api/answers/x99"
