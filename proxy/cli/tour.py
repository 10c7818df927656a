"""The example of SAP's own pages through the proxy, step by step: what went out, what came back, with which token.

Fetch a CSRF token with GET, send the message with POST; then the same message from a sender that knows nothing of CSRF.
"""

import asyncio
import http.client
import os
from email.message import Message
from pathlib import Path

import click

from proxy.app import App
from proxy.cli.configuration import read
from proxy.config.model import Configuration
from proxy.observe.lines import LineWriter
from proxy.observe.logs import Log

PATH = "/http/orders"
MESSAGE = '{"productIdentifier":"HT-1080"}'
JSON = {"Content-Type": "application/json"}


async def tour(file: Path, stopping: asyncio.Event) -> None:
    """Serves with this configuration; shows the example first. OSError if an address is taken."""
    configuration = await asyncio.to_thread(read, file)
    log = Log(LineWriter(2), level=configuration.log.level.value, human=True)
    loop = asyncio.get_running_loop()
    app = await asyncio.to_thread(lambda: App(configuration, log=log, environ=os.environ, loop=loop))
    log.writer.attach(loop)
    await app.start()
    try:
        await asyncio.to_thread(show, configuration, app.listeners[0].port)
        await stopping.wait()
    finally:
        await app.stop()
        log.writer.close()


def show(configuration: Configuration, port: int) -> None:
    """The example's requests, one after the other, and what to try next."""
    route = next(each for each in configuration.routes if PATH.startswith(each.path))
    client = configuration.oauth_clients[route.oauth_client]
    click.secho("\nThe senders know neither OAuth nor the tenant. The proxy has what it takes:", bold=True)
    click.echo(f"  token from     {client.token_url}\n  delivery to    {route.upstream}")
    click.secho("\n1. GET with X-CSRF-Token: fetch", bold=True)
    answer = send(port, "GET", {"X-CSRF-Token": "fetch"})
    token, cookies = answer.get("X-CSRF-Token", ""), cookie_field(answer)
    click.echo(f"  X-CSRF-Token   {token}")
    click.secho("\n2. POST with that token and its cookies", bold=True)
    send(port, "POST", {**JSON, "X-CSRF-Token": token, "Cookie": cookies}, MESSAGE)
    click.secho("\n3. POST of a sender that knows nothing of CSRF", bold=True)
    send(port, "POST", JSON, MESSAGE)
    click.secho("\nServing. Try it in another terminal, Ctrl-C ends:", bold=True)
    base = f"http://127.0.0.1:{port}"
    click.echo(f"  curl -i {base}{PATH} -H 'X-CSRF-Token: fetch'")
    click.echo(f"  curl -i {base}{PATH} -H 'Content-Type: application/json' -d '{MESSAGE}'")
    click.echo(f"  curl -i {base}/btp/invoices -H 'Content-Type: application/xml' -d '<invoice/>'\n")


def send(port: int, method: str, fields: dict[str, str], content: str = "") -> Message:
    """One request as a legacy sender makes it; prints it and its answer, returns the answer's fields."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, PATH, content or None, fields)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
    finally:
        connection.close()
    click.echo(f"  sent           {method} http://127.0.0.1:{port}{PATH} {content}".rstrip())
    click.echo(f"  answer         {answer.status} {answer.reason} {text.strip()[:200]}".rstrip())
    if mpl_id := answer.headers.get("SAP_MessageProcessingLogID"):
        click.echo(f"  MPL id         {mpl_id}")
    return answer.headers


def cookie_field(fields: Message) -> str:
    """The cookies of an answer as the next request sends them back, values as they came."""
    pairs = [value.partition(";")[0] for value in fields.get_all("Set-Cookie", [])]
    return "; ".join(pairs)
