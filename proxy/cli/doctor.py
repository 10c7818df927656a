"""`doctor`: looks at all that a message needs, one thing after the other, and says what holds and what to do."""

import asyncio
import json
import os
import ssl
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import click
from pydantic import SecretStr

from proxy.app.certificates import certificates
from proxy.cli.configuration import FAULTY, config_option, read
from proxy.cli.loops import run
from proxy.cli.token import GrantReport, grant
from proxy.config.egress import corporate_proxy
from proxy.config.model import Configuration, OAuthClient, Provider, RouteSettings
from proxy.config.urls import port_of
from proxy.cpi.roles import is_of_api, roles
from proxy.oauth.expiry import first_end
from proxy.oauth.trust import own_trust
from proxy.observe.log_format import printable
from proxy.trial.destination import destination
from proxy.trial.embedded_proxy import proxy_inside
from proxy.trial.message import compose
from proxy.trial.probe import SOON, CheckFailed, CheckResult, CheckStatus, Probe, Server, Step, one_by_one
from proxy.upstream.tls import client_context
from proxy.wire.tls_context import file_reason

SENDER_ROLE = "ESBMessaging.send"
"The role that a sender adapter asks for unless another is chosen (SAP Help, Setting Up Inbound HTTP Connections)."
COLORS = {
    CheckStatus.OK: "green",
    CheckStatus.WARNING: "yellow",
    CheckStatus.FAILED: "red",
    CheckStatus.SKIPPED: "bright_black",
}

Checks = dict[str, Callable[[], Awaitable[CheckResult]]]
Trust = Callable[[], ssl.SSLContext]


class Finding(NamedTuple):
    """One check of one part of the configuration."""

    subject: str
    step: Step

    def line(self) -> str:
        """For people."""
        step = self.step
        shown = click.style(f"{step.result.value:<8}", fg=COLORS[step.result])
        return f"{shown} {self.subject:<24} {step.check:<12} {printable(step.detail)}"

    def document(self) -> dict[str, str]:
        """For JSON."""
        return {"subject": self.subject, **{key: str(value) for key, value in self.step._asdict().items()}}


@click.command()
@click.argument("route", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.option("--send", "sends", is_flag=True, help="POST a message too, which runs the integration flow.")
@click.option("--data", metavar="S", default="", help="The message for --send; empty without.")
@config_option
def command(*, route: str | None, as_json: bool, sends: bool, data: str, file: Path | None) -> None:
    """Look for what is wrong between here and the tenant: on the way of ROUTE, or of all.

    No integration flow is touched without --send.
    """
    configuration = read(file, insecure_listen=True)
    if data and not sends:
        raise click.UsageError("--data is the message of --send, give both.")
    try:
        routes = chosen(route, configuration.routes)
    except ValueError as error:
        click.echo(str(error), err=True)
        sys.exit(FAULTY)
    examination = Examination(configuration, os.environ, data.encode() if sends else None)
    found = run(_look(examination, routes, shown=not as_json))
    failed = [each for each in found if each.step.result is CheckStatus.FAILED]
    if as_json:
        click.echo(json.dumps([each.document() for each in found], indent=2))
    elif failed:
        first = failed[0]
        told = f"the first of them {first.step.check} of {first.subject}"
        click.echo(f"\n{len(failed)} of {len(found)} checks failed, {told}.")
    sys.exit(bool(failed))


def chosen(word: str | None, routes: Sequence[RouteSettings]) -> dict[str, RouteSettings]:
    """The routes to look at, by what a message is sent to; ValueError for a word that leads to none."""
    if word is None:
        return {route.name: route for route in routes}
    if found := destination(word, routes, "POST").route:
        return {word: found}
    raise ValueError(f"No route takes POST {word}; there is {', '.join(route.name for route in routes)}.")


async def _look(examination: "Examination", routes: Mapping[str, RouteSettings], *, shown: bool) -> list[Finding]:
    found = []
    async for each in examination.findings(routes):
        found.append(each)
        if shown:
            click.echo(each.line())
    return found


class Examination:
    """Looks at OAuth clients and routes; sends token requests, `OPTIONS *`, and a message if there is one."""

    def __init__(self, configuration: Configuration, environ: Mapping[str, str], message: bytes | None = None) -> None:
        self._configuration = configuration
        self._message = message
        self._environ = environ
        self._own = certificates(configuration)
        self._outcome: GrantReport | None = None

    async def findings(self, routes: Mapping[str, RouteSettings]) -> AsyncIterator[Finding]:
        """First the OAuth clients of these routes, then the routes, each by where its message goes."""
        for name in dict.fromkeys(route.oauth_client for route in routes.values()):
            client, subject = self._configuration.oauth_clients[name], f"oauth_client {name}"
            signs = client.token_endpoint_auth_method.signs
            way = Probe(
                self._server(client.token_url, "token_url", client.proxy_url, client.timeout), needs_clock=signs
            )
            trust = partial(own_trust, client) if is_https(client.token_url) else None
            last: Checks = {"grant": partial(self._grant, client), "role": partial(self._role, client)}
            async for finding in self._walk(subject, way, trust, last):
                yield finding
        for word, route in routes.items():
            subject = f"route {route.name}"
            way = Probe(self._server(route.upstream, "upstream", route.proxy_url, route.connect_timeout))
            trust = partial(client_context, route.tls) if is_https(route.upstream) else None
            async for finding in self._walk(subject, way, trust, {"message": partial(self._send, word, route)}):
                yield finding

    async def _walk(self, subject: str, way: Probe, trust: Trust | None, last: Checks) -> AsyncIterator[Finding]:
        first: Checks = {"own cert": partial(self._identity, subject, way, trust)}
        try:
            async for step in one_by_one(first | way.checks() | last):
                yield Finding(subject, step)
        finally:
            way.close()

    def _server(self, url: str, option: str, proxy_url: SecretStr | None, timeout: float) -> Server:
        parts, named = urlsplit(url), proxy_url.get_secret_value() if proxy_url else None
        return Server(
            host=parts.hostname or "",
            port=port_of(parts),
            option=f"`{option}`",
            proxy=corporate_proxy(url, proxy_url=named, environ=self._environ, cleartext=option == "upstream"),
            timeout=timeout,
        )

    async def _identity(self, subject: str, way: Probe, trust: Trust | None) -> CheckResult:
        """The certificate that we show there, and whom we trust."""
        try:
            way.tls = await asyncio.to_thread(trust) if trust else None
        except OSError as error:
            reason = file_reason(error)
            raise CheckFailed(
                f"The files of `tls`, or the service key's certificate, cannot be used: {reason}."
            ) from None
        if subject not in self._own:
            return CheckResult(CheckStatus.SKIPPED, "none is configured")
        end = await asyncio.to_thread(lambda: first_end(self._own[subject]()))
        until = time.strftime("%Y-%m-%d", time.gmtime(end))
        if end <= time.time():
            raise CheckFailed(f"Our certificate ended on {until}; create a new one, or a new service key.")
        if end - time.time() < SOON:
            return CheckResult(CheckStatus.WARNING, f"ends on {until}; create a new one, or a new service key, in time")
        return CheckResult(CheckStatus.OK, f"until {until}")

    async def _grant(self, client: OAuthClient) -> CheckResult:
        self._outcome = outcome = await grant(client)
        if outcome.token is None:
            raise CheckFailed(outcome.error.detail if outcome.error else "No token came.")
        return CheckResult(CheckStatus.OK, f"a token for {outcome.lifetime:.0f} s, in {outcome.seconds:.3f} s")

    async def _role(self, client: OAuthClient) -> CheckResult:
        """Whether the token lets its owner send; XSUAA tells in the token, Neo does not."""
        found = roles(self._outcome.granted) if self._outcome else ()
        if SENDER_ROLE in found:
            return CheckResult(CheckStatus.OK, SENDER_ROLE)
        if found:
            return CheckResult(
                CheckStatus.WARNING, f"{', '.join(found)}: only for flows whose sender adapter names such a role"
            )
        if client.provider is Provider.XSUAA:
            plan = (
                "; its service key is of plan api, take one of plan integration-flow"
                if is_of_api(client.client_id)
                else ""
            )
            raise CheckFailed(f"The token has no role: give the service instance the role {SENDER_ROLE}{plan}.")
        return CheckResult(CheckStatus.SKIPPED, "the token names none; a message would tell (--send)")

    async def _send(self, word: str, route: RouteSettings) -> CheckResult:
        if self._message is None:
            return CheckResult(CheckStatus.SKIPPED, "none was sent (--send does, and runs the flow)")
        if route.methods is not None and "POST" not in route.methods:
            return CheckResult(CheckStatus.SKIPPED, "none was sent, for the route takes no POST")
        composed = compose(word, self._configuration, self._message, (), "POST")
        async with proxy_inside(self._configuration, self._environ) as inside:
            record = (await inside.send(composed)).record
        where = f" It was sent to {record.upstream}." if record.upstream else ""
        if record.code:
            raise CheckFailed(f"{record.status}, by the {record.made_by}: {record.detail}{where}")
        if not 200 <= record.status < 300:
            raise CheckFailed(f"{record.status}: {record.diagnosis or 'see the flow, or what is behind it.'}{where}")
        mpl_id = f", MPL id {record.mpl_id}" if record.mpl_id else ""
        return CheckResult(
            CheckStatus.OK, f"{record.status} in {record.total_seconds:.3f} s{mpl_id}, sent to {record.upstream}"
        )


def is_https(url: str) -> bool:
    """Whether TLS is spoken there."""
    return url.startswith("https:")
