"""A page of another origin beside the open console can neither read nor change anything."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, BrowserContext, Page

from proxy.console.site import Console
from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer, granted
from tests.fakes.loop import HandLoop
from tests.fakes.sender import request
from tests.fakes.upstream import Upstream
from tests.flow.running import Running, document, start

SECRET = "cAnAryPath"
ATTEMPTS = {
    "read": "(await fetch(base + 'api/traffic', { credentials: 'include' })).text()",
    "read as a string": "(await fetch(base + 'api/traffic', { credentials: 'include', mode: 'no-cors' })).text()",
    "send": "fetch(base + 'api/send', { method: 'POST', mode: 'no-cors', credentials: 'include', body: message })",
    "beacon": "navigator.sendBeacon(base + 'api/send', message)",
    "record": "fetch(base + 'api/recordings/orders', { method: 'PUT', credentials: 'include', body: '{}' })",
    "renew": "fetch(base + 'api/clients/orders/renew', { method: 'POST', mode: 'no-cors', credentials: 'include' })",
    "events": "new Promise((seen, failed) => { const stream = new EventSource(base + 'api/events',"
    " { withCredentials: true }); stream.onopen = seen; stream.onerror = () => failed(stream.close()); })",
    "image": "loaded(Object.assign(new Image(), { src: base + 'icon.svg' }))",
    "script": "loaded(Object.assign(document.createElement('script'), { src: base + 'main.js', type: 'module' }))",
    "style": "loaded(Object.assign(document.createElement('link'), { href: base + 'base.css', rel: 'stylesheet' }))",
    "frame": "loaded(Object.assign(document.createElement('iframe'), { src: base }))"
    ".then(() => document.querySelector('iframe').contentDocument.body.innerText)",
    "window": "(async () => { const opened = open(base); await new Promise((done) => setTimeout(done, 1000));"
    " return opened.document.body.innerText; })()",
    "form": "(async () => { const form = document.createElement('form'); form.method = 'POST'; form.target = '_blank';"
    " form.enctype = 'text/plain'; form.action = base + 'api/send'; const field = document.createElement('input');"
    " field.name = message; form.append(field); document.body.append(form); form.submit(); })()",
}
"How such a page tries; what it can read is the value, a failure is none."
SCRIPT = """async ([base, code, message]) => {
    const loaded = (element) => new Promise((seen, failed) => {
        element.onload = seen;
        element.onerror = failed;
        document.body.append(element);
    });
    try {
        return String(await eval(`(async () => ${code})()`));
    } catch {
        return null;
    }
}"""
MESSAGE = '{"route": "orders", "method": "POST", "path": "", "fields": []}\n<order/>'


class Scene:
    """The console is open in the browser of the hostile site."""

    def __init__(
        self, context: BrowserContext, proxy: Running, upstream: Upstream, granting: AuthorizationServer
    ) -> None:
        self.context, self.proxy, self.upstream, self.granting = context, proxy, upstream, granting
        self.site = 0
        "The port of the hostile site."

    async def hostile_page(self, host: str) -> Page:
        """Under one of its names."""
        page = await self.context.new_page()
        await page.goto(f"http://{host}:{self.site}/")
        return page

    @property
    def touched(self) -> tuple[int, int, int, int]:
        """Messages, grants, recordings, open streams."""
        console = self.proxy.app.extension
        assert isinstance(console, Console)
        recordings, streams = len(console.recordings.documents()), len(console.events)
        return len(self.upstream.requests), len(self.granting.requests), recordings, streams


@pytest_asyncio.fixture(loop_scope="session")
async def scene(browser: Browser, tmp_path: Path) -> AsyncIterator[Scene]:
    """With a message in Traffic, whose path is secret."""
    site = web.AppRunner(web.Application())
    site.app.router.add_get("/", blank)
    await site.setup()
    await web.TCPSite(site, "127.0.0.1", 0).start()
    async with Upstream() as upstream, AuthorizationServer(granted("t0ken")) as granting:
        proxy = await start(
            document(upstream, granting), tmp_path, HandLoop(), new_extension=partial(Console, environ={})
        )
        await (await proxy.sender()).ask(request(b"POST /orders/" + SECRET.encode(), body=b"x"))
        context = await browser.new_context()
        console = await context.new_page()
        await console.goto(proxy.app.admin.console_url or "")
        await console.get_by_text("Live", exact=True).wait_for()
        made = Scene(context, proxy, upstream, granting)
        made.site = site.addresses[0][1]
        yield made
        await context.close()
        await proxy.stop()
    await site.cleanup()


async def blank(_request: web.Request) -> web.Response:
    """What the hostile page does is the test's."""
    return web.Response(text="<!doctype html><body>", content_type="text/html")


@cases("host", "127.0.0.1", "localhost", "evil.example")
async def test_whatever_it_tries(scene: Scene, host: str) -> None:
    """From another port, which gets the cookie, another name, another site."""
    before, base = scene.touched, f"http://127.0.0.1:{scene.proxy.app.admin.port}/console/"
    for name, code in ATTEMPTS.items():
        page = await scene.hostile_page(host)
        found = await page.evaluate(SCRIPT, [base, code.replace("message", repr(MESSAGE)), MESSAGE])
        assert SECRET not in (found or ""), name
        assert "cpi-oauth-proxy" not in (found or ""), name
        if name in ("read", "record", "events", "image", "script", "style", "window"):
            assert found is None, name
    assert scene.touched == before


async def test_a_name_that_points_here(scene: Scene) -> None:
    """DNS rebinding: the origin is right; the name in Host gives it away."""
    port, before = scene.proxy.app.admin.port, scene.touched
    page = await scene.context.new_page()
    answer = await page.goto(f"http://evil.example:{port}/livez")
    assert answer is not None
    assert answer.status == 421
    for path, method in (("api/traffic", "GET"), ("api/send", "POST"), ("api/events", "GET"), ("", "GET")):
        code = f"(await fetch(base + '{path}', {{ method: '{method}' }})).status"
        assert await page.evaluate(SCRIPT, ["/console/", code, ""]) == "421"
    assert scene.touched == before


async def test_a_link_to_the_console_needs_the_address_bar(scene: Scene) -> None:
    """Another site's link, even with the token, opens nothing."""
    page = await scene.hostile_page("localhost")
    url = scene.proxy.app.admin.console_url
    await page.evaluate("url => { location.href = url; }", url)
    await page.get_by_text("Paste the address into the address bar.").wait_for()
