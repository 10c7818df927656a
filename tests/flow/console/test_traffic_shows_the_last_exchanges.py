"""Traffic shows the last exchanges, whatever became of them."""

import json

import pytest

from proxy.console.traffic import KEPT, REFUSALS
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import request
from tests.fakes.upstream import Upstream, answer
from tests.flow.console.page import Page
from tests.flow.running import document

POST = request(b"POST /orders/a?b=1&access_token=s3cr3tquery", body=b"<order/>")
MPL = b"SAP_MessageProcessingLogID: AGpyvUXKUZJ"


async def test_a_row_says_who_sent_what_where_and_what_became_of_it(page: Page, upstream: Upstream) -> None:
    """Credentials in the query have no value."""
    upstream.follow(answer(202, MPL, body=b"done"))
    await page.proxy.ask(POST)
    (row,) = (await page.get("traffic"))["exchanges"]
    assert row.pop("seconds") >= 0
    assert row.pop("at") == pytest.approx(page.proxy.clock.wall(), abs=60)
    assert row.pop("id")
    assert row.pop("request_id")
    assert row == {
        "sender": "127.0.0.1",
        "method": "POST",
        "path": "/orders/a",
        "query": "b=1&access_token=***",
        "route": "orders",
        "oauth_client": "orders",
        "status": 202,
        "upstream_status": 202,
        "made_by": "upstream",
        "token": "granted",
        "attempts": 1,
        "replays": [],
        "mpl_id": "AGpyvUXKUZJ",
        "code": "",
        "bytes_in": 8,
        "bytes_out": 4,
        "recorded": False,
    }


async def test_the_newest_comes_first_and_the_oldest_goes(page: Page) -> None:
    """Refusals without a route displace no others."""
    sender = await page.proxy.sender()
    for number in range(KEPT - REFUSALS):
        await sender.ask(request(b"GET /orders/%d" % number))
    for number in range(2 * REFUSALS):
        await sender.ask(request(b"GET /nowhere/%d" % number))
    content = await page.get("traffic")
    paths = [row["path"] for row in content["exchanges"]]
    assert paths[0] == f"/nowhere/{2 * REFUSALS - 1}"
    assert paths[-1] == "/orders/0"
    assert len(paths) == KEPT
    assert content["dropped"] == REFUSALS


async def test_a_refusal_says_what_went_wrong_and_what_to_do(page: Page) -> None:
    """Without a route, too; it cannot be sent again."""
    found = await page.passed(request(b"GET /order"))
    assert (found["status"], found["made_by"], found["route"]) == (404, "proxy", "")
    assert found["diagnosis"] == "No route for this request"
    assert "The nearest route is orders" in found["what_to_do"]
    assert (found["curl"], found["send_again"]) == (None, False)
    assert found["curl_reason"] == "It reached no route."


async def test_a_malformed_request_is_a_row_too(page: Page) -> None:
    """Without method and path."""
    sender = await page.proxy.begin(b"GET / HTTP/1.1\r\na b: c\r\n\r\n")
    await sender.answer()
    found = await page.newest()
    assert (found["status"], found["method"], found["path"], found["query"]) == (400, "", "", "")


async def test_a_failure_of_the_tenant_is_explained(page: Page, upstream: Upstream) -> None:
    """As in the log."""
    upstream.follow(answer(403, body=b""))
    found = await page.passed(POST)
    assert found["diagnosis"] == "role missing"
    assert "ESBMessaging.send" in found["what_to_do"]


async def test_a_second_attempt_is_explained(page: Page, upstream: Upstream) -> None:
    """And what was waited for."""
    upstream.follow(
        answer(403, b"X-CSRF-Token: Required"),
        answer(200, b"X-CSRF-Token: t0ken", b"Set-Cookie: JSESSIONID=abc"),
        answer(200, body=b"done"),
    )
    found = await page.passed(POST)
    assert found["replays"] == ["fetch_csrf"]
    assert [(each["number"], each["reason"]) for each in found["attempts_list"]] == [(1, ""), (2, "fetch_csrf")]
    assert "required a CSRF token" in found["attempts_list"][1]["text"]
    assert [each["name"] for each in found["phases"]] == ["token", "connect", "first byte", "relay", "waiting"]
    assert sum(each["seconds"] for each in found["phases"]) == pytest.approx(found["seconds"])


async def test_traffic_stays_over_a_reload(page: Page, upstream: Upstream, authority: AuthorizationServer) -> None:
    """Ids stay, even if the address moves."""
    await page.proxy.ask(POST)
    before = await page.newest()
    await page.proxy.reload(document(upstream, authority, name="other"))
    after = await page.newest()
    assert after == before | {"curl_reason": "It reached no route.", "send_again_reason": "It reached no route."}


async def test_a_long_target_is_cut(page: Page) -> None:
    """At 2 KiB."""
    await page.proxy.ask(request(b"GET /orders/" + b"a" * 3000 + b"?" + b"b" * 3000))
    (row,) = (await page.get("traffic"))["exchanges"]
    assert len(row["path"]) == 2048
    assert row["query"] == ""


async def test_what_is_unknown_is_a_404(page: Page) -> None:
    """A wrong method is a 405 with the right ones; in JSON."""
    for path in ("traffic/x", "traffic/x/request-body", "answers/x", "nowhere", "routes/x/check", "sandbox"):
        status, content = await page.ask(path)
        assert (status, sorted(content)) == (404, ["detail", "title"])
    await page.proxy.ask(request(b"POST /orders", body=b"x"))
    kept = (await page.newest())["id"]
    assert (await page.ask(f"traffic/{kept}/request-body"))[1]["detail"] == "The body is not kept."
    assert (await page.ask("recordings/x", "PUT", json={}))[0] == 404
    assert (await page.ask("recordings/x", "DELETE"))[0] == 404
    assert (await page.ask("clients/x/renew", "POST"))[0] == 404
    answered = await page.open("traffic", "POST")
    assert (answered.status, answered.headers["Allow"]) == (405, "GET, HEAD")
    assert sorted(json.loads(await answered.read())) == ["detail", "title"]


async def test_head_has_the_same_fields_and_no_body(page: Page) -> None:
    """No stream and no check begins."""
    for path in ("state", "traffic", "clients", "events", "routes/orders/check"):
        answered = await page.open(path, "HEAD")
        assert answered.status == 200
        assert await answered.read() == b""
    assert len(page.console.events) == 0


async def test_the_state_names_routes_and_addresses(page: Page) -> None:
    """And what a route wants."""
    state = await page.get("state")
    assert state["proxy_urls"] == [f"http://127.0.0.1:{page.proxy.port}"]
    assert state["pages"] == {"outbox": False, "sandbox": False}
    (route,) = state["routes"]
    assert (route["name"], route["path"], route["fences"]) == ("orders", "/orders", [])
    assert route["connections"] == {"idle": 0, "leased": 0}
