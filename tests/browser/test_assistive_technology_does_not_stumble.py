"""axe-core finds nothing serious: light or dark, wide or narrow."""

import pytest
from playwright.async_api import Page

from tests.browser.conftest import OpenPage, press
from tests.cases import cases
from tests.fakes.console_api import ConsoleApi
from tests.fakes.console_samples import (
    answer,
    blocked,
    client,
    exchange,
    failed,
    outbox_message,
    recorded,
    refused,
    step,
)
from tests.programs import axe

pytestmark = pytest.mark.needs("axe-core")

RUN = """async () => (await axe.run({ resultTypes: ['violations'] })).violations
    .filter((each) => each.impact === 'serious' || each.impact === 'critical')
    .flatMap((each) => each.nodes.map((node) => `${each.id}: ${node.html} ${node.failureSummary}`))"""


async def findings(page: Page) -> list[str]:
    """The serious ones."""
    await page.evaluate(axe().read_text())
    found: list[str] = await page.evaluate(RUN)
    return found


def filled(api: ConsoleApi) -> None:
    """Everything that the pages can show."""
    api.overview["pages"]["outbox"] = True
    api.overview["recordings"] = [{"route": "http", "until": api.overview["now"] + 600}]
    api.exchanges = [refused(4), failed(3), recorded(2), exchange(1, status=302)]
    certificate = {"file": "/etc/client.pem", "subject": "CN=orders", "ends_at": api.overview["now"] + 86400}
    expired = certificate | {"file": "/etc/old.pem", "ends_at": 0}
    api.clients = [client("orders", certificates=[certificate, expired]), blocked("invoices")]
    results = ("ok", "warning", "failed", "skipped")
    api.steps["http"] = [step(result, result, "found this", "do that") for result in results]
    waiting = {"route": "http", "waiting": 1, "delivering": 0, "dead": 1, "held": True, "oldest_at": 1, "bytes": 9}
    api.outbox, api.outbox_messages = [waiting], [outbox_message(1)]
    api.sandbox["faults"][0]["on"] = True
    api.answer = answer(status=500, diagnosis="flow failed", what_to_do="Look into the monitor.")


@cases("scheme", "light", "dark")
@cases("width", 390, 1280)
async def test_on_no_page(open_page: OpenPage, api: ConsoleApi, scheme: str, width: int) -> None:
    """With everything on it that it can show."""
    filled(api)
    page = await open_page(scheme=scheme, width=width)
    found = {"traffic": await findings(page)}
    for place in ("traffic/x2", "traffic/x4", "send", "clients", "routes", "sandbox", "outbox/m1"):
        await page.goto(f"{api.url}#/{place}")
        if place == "send":
            await press(page, "Send")
            await page.get_by_text("Look into the monitor.").wait_for()
        if place == "clients":
            await page.get_by_text("Claims of the token").first.click()
        if place == "routes":
            await page.get_by_role("button", name="Check").first.click()
            await page.get_by_text("Failed: failed.").wait_for()
        if "/" in place:
            await page.get_by_role("button", name="Close").wait_for()
            await (
                page.get_by_text("Time" if place != "outbox/m1" else "flow_failed")
                .filter(visible=True)
                .first.wait_for()
            )
        found[place] = await findings(page)
    await page.keyboard.press("?")
    found["keys"] = await findings(page)
    assert found == {key: [] for key in found}


@cases("scheme", "light", "dark")
async def test_on_no_empty_page(open_page: OpenPage, api: ConsoleApi, scheme: str) -> None:
    """While there is nothing to show."""
    api.overview["routes"], api.overview["pages"], api.clients = [], {"outbox": False, "sandbox": False}, []
    page = await open_page(scheme=scheme)
    found = {}
    for place in ("traffic", "traffic/gone", "send", "clients", "routes", "sandbox", "outbox"):
        await page.goto(f"{api.url}#/{place}")
        await page.get_by_role("heading", level=1).wait_for()
        found[place] = await findings(page)
    assert found == {key: [] for key in found}
