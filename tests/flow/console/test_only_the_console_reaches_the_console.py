"""Other sites, other names and clients without the token reach neither files nor API."""

from tests.cases import cases
from tests.fakes.sender import Answer
from tests.fakes.upstream import Upstream
from tests.flow import admin
from tests.flow.console.page import Page

RESOURCES = [
    b"GET /console/",
    b"GET /console/main.js",
    b"GET /console/api/state",
    b"GET /console/api/traffic",
    b"GET /console/api/traffic/x",
    b"GET /console/api/traffic/x/request-body",
    b"GET /console/api/events",
    b"PUT /console/api/recordings/orders",
    b"DELETE /console/api/recordings/orders",
    b"POST /console/api/send",
    b"GET /console/api/answers/x",
    b"POST /console/api/import",
    b"POST /console/api/export",
    b"GET /console/api/clients",
    b"POST /console/api/clients/orders/renew",
    b"GET /console/api/routes/orders/check",
    b"GET /console/api/sandbox",
    b"PUT /console/api/sandbox/faults",
    b"GET /console/api/nowhere",
]
SEND = b'{"route": "orders", "minutes": 1}\n<order/>'


async def ask(page: Page, line: bytes, *fields: bytes, host: bytes = b"localhost") -> Answer:
    """On its own connection."""
    return await admin.ask(page.proxy, line, *fields, host=host, body=SEND)


@cases("line", *RESOURCES)
async def test_without_the_token_nothing_is_served(page: Page, upstream: Upstream, line: bytes) -> None:
    """A wrong one, or another session's cookie, is none; nothing is done."""
    for fields in (
        (),
        (b"Authorization: Bearer wrong",),
        (b"Cookie: cpi-oauth-proxy-%d=x" % page.proxy.app.admin.port,),
    ):
        answered = await ask(page, line, *fields)
        assert (answered.status, answered.field(b"WWW-Authenticate")) == (401, [b"Bearer"])
    assert (upstream.requests, page.console.recordings.documents(), page.console.traffic.total) == ([], [], 0)


@cases("line", *RESOURCES)
async def test_a_page_of_another_site_reaches_nothing(page: Page, upstream: Upstream, line: bytes) -> None:
    """Even with the token: by form, script, EventSource, or a name that points here."""
    token = f"Authorization: Bearer {page.token}".encode()
    marks = (
        b"Sec-Fetch-Site: cross-site",
        b"Sec-Fetch-Site: same-site",
        b"Origin: https://evil.example",
        b"Origin: null",
    )
    for mark in marks:
        assert (await ask(page, line, token, mark)).status == 403
    assert (await ask(page, line, token, host=b"evil.example")).status == 421
    assert (upstream.requests, page.console.recordings.documents()) == ([], [])


async def test_all_answers_forbid_to_be_used_elsewhere(page: Page) -> None:
    """And are not stored."""
    for path in ("state", "traffic", "nowhere", "traffic/x"):
        answered = await page.open(path)
        assert "default-src 'none'" in answered.headers["Content-Security-Policy"]
        assert answered.headers["X-Content-Type-Options"] == "nosniff"
        assert answered.headers["Cache-Control"] == "no-store"


async def test_hostile_contents_stay_text_in_json(page: Page, upstream: Upstream) -> None:
    """Controls and halves of characters too."""
    del upstream
    await page.record()
    sender = await page.proxy.sender()
    hostile, body = b"<script>alert(1)</script>", b"<img src=x onerror=alert(2)>"
    await sender.send(
        b"POST /orders/<b>?<i> HTTP/1.1\r\nHost: a\r\nX-A: %s\xff\r\nContent-Length: %d\r\n\r\n%s"
        % (hostile, len(body), body)
    )
    await sender.answer()
    answered = await page.open(f"traffic/{(await page.newest())['id']}")
    assert answered.content_type == "application/json"
    found = await answered.json()
    assert (found["path"], found["query"]) == ("/orders/<b>", "<i>")
    assert found["request"]["fields"][1] == ["X-A", f"{hostile.decode()}\u00ff"]
    assert found["request"]["body"]["text"] == body.decode()
