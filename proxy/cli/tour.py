"""Sends SAP's own example through the proxy and prints each step: request, token, upstream and answer.

First a plain POST, as a legacy sender sends it; then a GET that fetches a CSRF token, and a POST with that token.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import click
from aiohttp import ClientSession, ClientTimeout, DummyCookieJar
from multidict import CIMultiDictProxy

from proxy.app import App
from proxy.cli.columns import wrapped
from proxy.cli.configuration import read
from proxy.cli.loops import unless
from proxy.cli.run import open_log, with_console
from proxy.config.model import RouteSettings
from proxy.observe.reports import reporting
from proxy.sandbox.tenant import Tenant
from proxy.timeouts import timeout

PATH = "/http/orders"
MESSAGE = '{"productIdentifier":"HT-1080"}'
JSON = {"Content-Type": "application/json"}


async def tour(file: Path, tenant: Tenant, stopping: asyncio.Event) -> None:
    """Serves with this configuration until `stopping`, and shows the example first. OSError if an address is in use."""
    configuration = await asyncio.to_thread(read, file)
    places = " and ".join(map(str, [*(each.address for each in configuration.listen), configuration.admin.address]))
    click.echo(f"It uses {places}.")
    log, loop = open_log(configuration), asyncio.get_running_loop()
    app = await asyncio.to_thread(lambda: with_console(configuration, log=log, loop=loop, file=file, tenant=tenant))
    log.writer.attach(loop)
    try:
        if not await unless(stopping, app.start()):
            return
        with reporting(log.logger, loop):
            stopped = asyncio.ensure_future(stopping.wait())
            shown = asyncio.ensure_future(show(app, file, tenant))
            await asyncio.wait({stopped, shown}, return_when=asyncio.FIRST_COMPLETED)
            if not shown.cancel():
                shown.result()
            await stopped
    finally:
        await app.stop()
        log.writer.close()


async def show(app: App, file: Path, tenant: Tenant) -> None:
    """Sends the example's requests, and prints what to try next."""
    port = app.listeners[0].port
    route = next((each for each in app.configuration.routes if leads_there(each, tenant)), None)
    if route is None:
        click.echo(f"\n{file} has no route from {PATH} to {tenant.runtime_url}{PATH}: the example is not sent.")
        click.secho(f"Serving on {app.listeners[0].address}. Ctrl-C ends.", bold=True)
        show_console(app)
        return
    steps = Steps(app, route, f"http://127.0.0.1:{port}")
    click.secho("\n1. POST, as a legacy sender sends it: the proxy fetches both tokens", bold=True)
    await steps.send("POST", JSON, MESSAGE)
    click.secho("\n2. GET with X-CSRF-Token: fetch, from a sender that knows CSRF", bold=True)
    fetched = await steps.send("GET", {"X-CSRF-Token": "fetch"})
    row("X-CSRF-Token", fetched.get("X-CSRF-Token", ""))
    click.secho("\n3. POST with that token and its cookies", bold=True)
    own = {"X-CSRF-Token": fetched.get("X-CSRF-Token", ""), "Cookie": cookie_field(fetched)}
    await steps.send("POST", {**JSON, **own}, MESSAGE)
    click.secho("\nServing. Try it in another terminal, Ctrl-C ends:", bold=True)
    click.echo(f"  curl -i {steps.base}{PATH} \\\n      -H 'Content-Type: application/json' -d '{MESSAGE}'")
    click.echo(f"  curl -i {steps.base}{PATH} -H 'X-CSRF-Token: fetch'")
    click.echo(f"  curl -i {steps.base}/btp/invoices \\\n      -H 'Content-Type: application/xml' -d '<invoice/>'\n")
    show_console(app)


def show_console(app: App) -> None:
    """Prints the console's URL, with its token."""
    if app.admin.console_url is not None:
        click.secho(f"The console, in a browser: {app.admin.console_url}", bold=True)


def leads_there(route: RouteSettings, tenant: Tenant) -> bool:
    """Whether the route maps the example's path to the sandbox's flow."""
    return PATH.startswith(route.path) and route.upstream + PATH.removeprefix(route.path) == tenant.runtime_url + PATH


class Steps:
    """Sends requests to the proxy, and prints what happened."""

    def __init__(self, app: App, route: RouteSettings, base: str) -> None:
        self.base = base
        self._route = route
        self._source = app.sources[route.oauth_client]
        self._token_url = app.configuration.oauth_clients[route.oauth_client].token_url

    async def send(self, method: str, fields: Mapping[str, str], content: str = "") -> CIMultiDictProxy[str]:
        """Sends one request, and returns the fields of its answer."""
        granted = self._source.grants.get("granted", 0)
        async with (
            timeout(30),
            ClientSession(cookie_jar=DummyCookieJar(), timeout=ClientTimeout(total=None)) as session,
            session.request(method, self.base + PATH, headers=fields, data=content or None) as answer,
        ):
            text = (await answer.text()).strip()
        new = self._source.grants.get("granted", 0) > granted
        row("sent", f"{method} {self.base}{PATH} {content}".rstrip())
        row("token", f"granted by {self._token_url}" if new else "the same, from the cache")
        row("delivered to", f"{self._route.upstream}{PATH.removeprefix(self._route.path)}")
        row("answer", f"{answer.status} {answer.reason} {text[:200]}".rstrip())
        mpl_id = answer.headers.get("SAP_MessageProcessingLogID")
        row("MPL id", mpl_id or "none: fetching a CSRF token runs no flow")
        return answer.headers


def row(name: str, text: str) -> None:
    """Prints what one part of an exchange was."""
    click.echo(f"  {name:<15}{wrapped(text, indent=17)}")


def cookie_field(fields: CIMultiDictProxy[str]) -> str:
    """Returns the Cookie field that sends an answer's cookies back, values unchanged."""
    return "; ".join(value.partition(";")[0] for value in fields.getall("Set-Cookie", []))
