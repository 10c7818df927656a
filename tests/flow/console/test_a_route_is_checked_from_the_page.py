"""`Check` sends the doctor's steps one by one, one check at a time for each route."""

import asyncio
import json

from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.upstream import Held, Upstream
from tests.flow.console.conftest import OpenPage
from tests.flow.console.page import Page
from tests.flow.running import document, until


async def lines(page: Page, route: str = "orders") -> list[dict[str, object]]:
    """Of a check."""
    answered = await page.open(f"routes/{route}/check")
    assert answered.content_type == "application/x-ndjson"
    return [json.loads(line) for line in (await answered.text()).splitlines()]


async def test_each_step_is_a_line(page: Page, upstream: Upstream) -> None:
    """No message is sent, nothing is logged."""
    *steps, last = await lines(page)
    assert last == {"done": True}
    assert {step["group"] for step in steps} == {"oauth_client orders", "route orders"}
    grant = next(step for step in steps if step["name"] == "grant")
    assert (grant["result"], grant["advice"]) == ("ok", "")
    told = {step["name"]: step["detail"] for step in steps if step["result"] == "skipped"}
    assert told["role"] == "the token names none; the page Send shows whether it may send"
    assert told["message"] == "none was sent (the page Send sends one, and runs the flow)"
    assert [each.method for each in upstream.requests] == [b"OPTIONS"]
    page.proxy.app.log.logger.info("proxy.started")
    assert len(page.proxy.lines.named("proxy.started")) == 1


async def test_a_failed_step_says_what_to_do(open_page: OpenPage, authority: AuthorizationServer) -> None:
    """The steps behind it are skipped."""
    page = await open_page(document("http://127.0.0.1:1", authority, name="orders"))
    steps = await lines(page)
    failed = next(step for step in steps if step.get("result") == "failed")
    assert (failed["name"], failed["detail"]) == ("TCP", "")
    assert "refused the connection" in str(failed["advice"])


async def test_a_second_check_of_the_same_route_is_refused(page: Page, upstream: Upstream) -> None:
    """Until the first has ended; a page that goes ends its own."""
    upstream.follow(Held())
    first = await page.open("routes/orders/check")
    await upstream.reach(1)
    status, content = await page.ask("routes/orders/check")
    assert (status, content["title"]) == (409, "Conflict")
    first.close()
    await until(lambda: not page.console._checks._running)
    upstream.follow(Held())
    second = asyncio.ensure_future(lines(page))
    await upstream.reach(2)
    second.cancel()
