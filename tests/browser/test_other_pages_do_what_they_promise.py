"""OAuth clients, Routes, Sandbox and Outbox show and change what they promise."""

import json

from playwright.async_api import expect

from tests.browser.conftest import OpenPage, press
from tests.fakes.console_api import ConsoleApi
from tests.fakes.console_samples import blocked, client, exchange, outbox_message, step


async def test_a_token_is_told_in_words_and_its_clock_moves(open_page: OpenPage, api: ConsoleApi) -> None:
    """Fresh, stale, then expired, without a word from the proxy."""
    page = await open_page()
    await page.clock.install()
    await page.clock.pause_at(api.overview["now"] + 3600)
    now = await page.evaluate("Date.now() / 1000")
    token = client("orders", obtained_at=now, fresh_until=now + 60, expires_at=now + 120)
    await api.tell("clients", {"clients": [token]})
    await page.get_by_role("link", name="OAuth clients").click()
    card = page.get_by_role("region", name="orders")
    for words in ("Fresh for another", "Stale still used", "Expired renewed when needed"):
        await page.clock.run_for(1000)
        await expect(card).to_contain_text(words)
        await page.clock.run_for(60_000)


async def test_a_failed_grant_comes_with_what_to_do(open_page: OpenPage, api: ConsoleApi) -> None:
    """Failure, advice, time of the next try."""
    api.clients = [blocked("invoices")]
    page = await open_page("#/clients")
    card = page.get_by_role("region", name="invoices")
    for words in ("Blocked", "401 invalid_client", "What to do: Check client_id", "the next try in 0:"):
        await expect(card).to_contain_text(words)


async def test_renew_gets_a_token(open_page: OpenPage, api: ConsoleApi) -> None:
    """By one grant; the new state is shown, or why not."""
    api.clients = [blocked("invoices")]
    page = await open_page("#/clients")
    api.renewed["invoices"] = {"title": "Refused", "detail": "check the secret"}
    await press(page, "Renew")
    await expect(page.get_by_role("alert")).to_have_text("Refused: check the secret")
    del api.renewed["invoices"]
    await press(page, "Renew")
    await expect(page.get_by_text("Fresh")).to_be_visible()
    assert [target for _, target, _ in api.received] == ["/console/api/clients/invoices/renew"] * 2


async def test_a_route_tells_where_it_goes_and_is_checked(open_page: OpenPage, api: ConsoleApi) -> None:
    """Way and fences; Check lists steps with what to do."""
    found = [
        ("TCP", "ok", "connected"),
        ("landscape", "skipped", "none"),
        ("token", "failed", "401", "Check the secret."),
    ]
    api.steps["http"] = [step(*each) for each in found]
    page = await open_page("#/routes")
    card = page.get_by_role("region", name="http")
    for words in ("/http", "https://127.0.0.1:9445/http", "addresses: 127.0.0.1", "0 in use, 1 idle"):
        await expect(card).to_contain_text(words)
    api.overview["routes"][0]["connections"] = {"idle": 0, "leased": 7}
    await expect(card).to_contain_text("7 in use, 0 idle")
    await press(card, "Check")
    await expect(card.get_by_role("listitem").filter(has_text="TCP")).to_contain_text("connected")
    await expect(card.get_by_role("listitem").filter(has_text="token")).to_contain_text("What to do: Check the secret.")
    await expect(card.get_by_role("status")).to_have_text("Failed: token.")
    boxes = [await card.get_by_role("listitem").filter(has_text=name).bounding_box() for name, *_ in found]
    tops = [box["y"] for box in boxes if box]
    assert tops == sorted(tops)
    assert len(set(tops)) == len(found)


async def test_a_fault_is_switched_on_and_off(open_page: OpenPage, api: ConsoleApi) -> None:
    """The proxy is told; so is this page of what others switch."""
    page = await open_page("#/sandbox")
    switch = page.get_by_role("switch", name="runtime.role_missing")
    await switch.check()
    await expect(page.get_by_text("On: runtime.role_missing")).to_be_visible()
    await press(page, "All off")
    await expect(switch).not_to_be_checked()
    told = [json.loads(body) for _, _, body in api.received]
    assert told == [{"runtime.role_missing": True}, {"runtime.role_missing": False}]
    next(each for each in api.sandbox["faults"] if each["name"] == "neo.hang")["on"] = True
    await api.tell("sandbox", api.sandbox)
    await expect(page.get_by_role("switch", name="neo.hang")).to_be_checked()
    await expect(page.get_by_role("region", name="Messages")).to_contain_text("/http/orders")


async def test_pages_that_are_not_there_say_how_to_have_them(open_page: OpenPage, api: ConsoleApi) -> None:
    """No link leads to them, and their addresses explain."""
    api.overview["pages"] = {"outbox": False, "sandbox": False}
    page = await open_page("#/sandbox")
    await expect(page.get_by_label("Command")).to_contain_text("cpi-oauth-proxy sandbox")
    await expect(page.get_by_role("navigation").get_by_role("link")).to_have_count(4)
    await page.goto(f"{api.url}#/outbox")
    await expect(page.get_by_role("heading", name="No route has an outbox")).to_be_visible()


async def test_people_decide_about_the_outbox(open_page: OpenPage, api: ConsoleApi) -> None:
    """A route is held and goes on; a message is retried, and downloaded."""
    api.overview["pages"]["outbox"] = True
    counts = {"waiting": 1, "delivering": 0, "dead": 1, "held": False, "oldest_at": 1, "bytes": 9}
    api.outbox, api.outbox_messages = [{"route": "http", **counts}], [outbox_message(1)]
    page = await open_page("#/outbox")
    await press(page, "Hold")
    await press(page, "Resume")
    await expect(page.get_by_role("button", name="Hold")).to_be_visible()
    await page.get_by_role("link", name="m1").click()
    await expect(page.get_by_role("table", name="Attempts")).to_contain_text("runtime_unavailable")
    assert await page.get_by_role("link", name="Download").get_attribute("href") == "/outbox/messages/m1/body"
    await press(page, "Retry")
    await expect(page.get_by_text("The message is due now.")).to_be_visible()
    assert [(method, target) for method, target, _ in api.received] == [
        ("POST", "/outbox/routes/http/hold"),
        ("POST", "/outbox/routes/http/resume"),
        ("POST", "/outbox/messages/m1/retry"),
    ]


async def test_a_narrow_window_shows_what_people_decide_by(open_page: OpenPage, api: ConsoleApi) -> None:
    """Without scrolling; a click on the row opens it."""
    api.overview["pages"]["outbox"] = True
    counts = {"waiting": 1, "delivering": 0, "dead": 1, "held": False, "oldest_at": 1, "bytes": 9}
    api.outbox = [{"route": "http", **counts}]
    api.outbox_messages = [outbox_message(1) | {"id": "0123456789abcdef" * 2, "state": "dead", "code": "flow_failed"}]
    page = await open_page("#/outbox")
    await page.set_viewport_size({"width": 390, "height": 844})
    for each in (
        page.get_by_role("button", name="Hold"),
        page.get_by_text("delivers"),
        page.get_by_text("flow_failed"),
    ):
        await expect(each).to_be_in_viewport(ratio=1)
    await page.get_by_text("flow_failed").click()
    await expect(page.get_by_role("table", name="Attempts")).to_be_visible()
    diagnosis = page.get_by_role("table", name="Message", exact=True).get_by_role("row").filter(has_text="Diagnosis")
    await expect(diagnosis).to_contain_text("flow_failed")


async def test_a_message_that_is_delivered_while_it_is_open_says_so(open_page: OpenPage, api: ConsoleApi) -> None:
    """Nothing is left to decide."""
    api.overview["pages"]["outbox"] = True
    api.outbox_messages = [outbox_message(1)]
    page = await open_page("#/outbox/m1")
    await expect(page.get_by_role("button", name="Retry")).to_be_visible()
    api.outbox_messages = []
    await api.tell("outbox", {"routes": ["http"]})
    await expect(page.get_by_text("It is no longer in the outbox: it was delivered or discarded.")).to_be_visible()
    await expect(page.get_by_role("button", name="Retry")).to_have_count(0)
    await expect(page.get_by_role("alert")).to_have_count(0)


async def test_a_lost_connection_is_told_and_comes_back(open_page: OpenPage, api: ConsoleApi) -> None:
    """It connects again, and has what happened meanwhile."""
    page = await open_page()
    await api.streams(1)
    api.signed_out = True
    api.end_streams()
    await expect(page.get_by_role("alert", name="Signed out")).to_contain_text("cpi-oauth-proxy console")
    api.signed_out = False
    api.exchanges = [exchange(1)]
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # as when another page has signed in
    await expect(page.get_by_role("row")).to_have_count(2)
    await api.streams(1)
    api.exchanges = [exchange(2), exchange(1)]
    api.end_streams()
    await expect(page.get_by_role("row")).to_have_count(3)
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()


async def test_the_theme_is_chosen_and_kept(open_page: OpenPage) -> None:
    """It wins over the system, and survives loading."""
    page = await open_page(scheme="light")
    before = await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    await page.get_by_label("Theme").select_option("Dark")
    await page.reload()
    await page.get_by_text("Live", exact=True).wait_for()
    assert await page.evaluate("getComputedStyle(document.documentElement).backgroundColor") != before


async def test_nothing_is_wider_than_the_window(open_page: OpenPage, api: ConsoleApi) -> None:
    """At 390 pixels; each exchange has time, method, path and status."""
    api.overview["pages"]["outbox"] = True
    api.exchanges = [exchange(1, path="/a" * 120)]
    api.outbox_messages = [outbox_message(1)]
    page = await open_page(width=390)
    assert await page.get_by_role("columnheader").all_inner_texts() == ["Time", "Method", "Path", "Status"]
    for place in ("traffic", "traffic/x1", "send", "clients", "routes", "sandbox", "outbox", "outbox/m1"):
        await page.goto(f"{api.url}#/{place}")
        await page.get_by_role("heading").first.wait_for()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390, place
