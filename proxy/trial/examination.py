"""Examines everything that a message needs and yields the findings one by one; prints nothing.

It requests tokens, sends `OPTIONS *`, and sends a message only if one is given.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from pydantic import SecretStr

from proxy.app.certificates import certificates
from proxy.config.egress import corporate_proxy
from proxy.config.model import Configuration, OAuthClient, Provider, RouteSettings
from proxy.config.pem import repair_pem
from proxy.config.urls import port_of
from proxy.cpi.landscape import landscape
from proxy.cpi.roles import is_of_api
from proxy.errors import AuthorizationServerError
from proxy.oauth.certificate_expiry import first_end
from proxy.oauth.trust import own_trust
from proxy.store.place import store_folder
from proxy.trial.checks import CheckFailed, CheckResult, Checks, CheckStatus, ok, run_in_order, skipped, warning
from proxy.trial.destination import destination
from proxy.trial.doubts import client_doubts, route_doubts
from proxy.trial.embedded_proxy import embedded_proxy
from proxy.trial.folder_check import check_folder
from proxy.trial.grant import GrantedToken, grant
from proxy.trial.message import compose
from proxy.trial.probe import SOON, Probe, ProbedServer
from proxy.wire.tls_context import client_context, file_reason

if TYPE_CHECKING:
    from proxy.trial.store import StoreExamination

SENDER_ROLE = "ESBMessaging.send"
"The role that a sender adapter requires unless another is chosen (SAP Help, Setting Up Inbound HTTP Connections)."

PREFIXES = frozenset({"", "/http", "/cxf", "/gw", "/gw/odata", "/as2"})
"Paths of a runtime below which flows are, and which are no flow themselves (SAP Help, Application URLs)."

Trust = Callable[[], ssl.SSLContext]


class Finding(NamedTuple):
    """The result of one check of one OAuth client or route."""

    subject: str
    check: str
    status: CheckStatus
    detail: str


def selected_routes(word: str | None, routes: Sequence[RouteSettings]) -> dict[str, RouteSettings]:
    """The routes to examine, by the destination of their message; ValueError if the word matches none."""
    if word is None:
        return {route.name: route for route in routes}
    if found := destination(word, routes, "POST").route:
        return {word: found}
    raise ValueError(f"No route accepts POST {word}; the routes are {', '.join(route.name for route in routes)}.")


class Examination:
    """Checks the OAuth clients of some routes, then the routes, then where outboxes are kept."""

    def __init__(
        self,
        configuration: Configuration,
        environ: Mapping[str, str],
        message: bytes | None = None,
        *,
        sender: str = "--send",
    ) -> None:
        """Without a message, none is sent; `sender` is what sends one, as the findings name it."""
        self._configuration = configuration
        self._message = message
        self._sender = sender
        self._environ = environ
        self._own_certificates = certificates(configuration)
        self._granted: GrantedToken | None = None

    async def findings(self, routes: Mapping[str, RouteSettings]) -> AsyncGenerator[Finding]:
        """Yields each finding as soon as it is there; the keys are the destinations of the routes' messages."""
        if self._configuration.store.postgres is not None:
            async for finding in self._examine_store():
                yield finding
        for name in dict.fromkeys(route.oauth_client for route in routes.values()):
            client = self._configuration.oauth_clients[name]
            probe = Probe(
                self._server(client.token_url, "token_url", client.proxy_url, client.timeout),
                needs_clock=client.token_endpoint_auth_method.signs,
            )
            trust = partial(own_trust, client) if is_https(client.token_url) else None
            doubted = [(options[-1], text) for options, text in client_doubts(client, self._configuration)]
            first: Checks = {"options": partial(question, doubted)}
            last: Checks = {"grant": partial(self._grant, client), "role": partial(self._role, client)}
            async for finding in self._run(f"oauth_client {name}", probe, trust, first, last):
                yield finding
        for word, route in routes.items():
            probe = Probe(self._server(route.upstream, "upstream", route.proxy_url, route.connect_timeout))
            trust = partial(client_context, route.tls) if is_https(route.upstream) else None
            first = {
                "options": partial(question, [*route_doubts(route)]),
                "landscape": partial(self._compare_landscapes, route),
            }
            last = {"message": partial(self._send, word, route)}
            async for finding in self._run(f"route {route.name}", probe, trust, first, last):
                yield finding
        folder = store_folder(self._configuration, self._environ)
        if folder is not None:
            async for name, result in run_in_order({"folder": partial(check_folder, folder, self._configuration)}):
                yield Finding("store", name, *result)

    async def _examine_store(self) -> AsyncIterator[Finding]:
        examination = await asyncio.to_thread(store_examination, self._configuration)
        try:
            async for name, result in run_in_order(examination.checks()):
                yield Finding("store", name, *result)
        finally:
            await examination.close()

    async def _run(
        self, subject: str, probe: Probe, trust: Trust | None, first: Checks, last: Checks
    ) -> AsyncIterator[Finding]:
        own: Checks = {"own cert": partial(self._own_certificate, subject, probe, trust)}
        try:
            async for name, result in run_in_order({**first, **own, **probe.checks(), **last}):
                yield Finding(subject, name, *result)
        finally:
            probe.close()

    def _server(self, url: str, option: str, proxy_url: SecretStr | None, timeout: float) -> ProbedServer:
        parts, named = urlsplit(url), proxy_url.get_secret_value() if proxy_url else None
        return ProbedServer(
            host=parts.hostname or "",
            port=port_of(parts),
            option=f"`{option}`",
            proxy=corporate_proxy(url, proxy_url=named, environ=self._environ, cleartext=option == "upstream"),
            timeout=timeout,
        )

    async def _own_certificate(self, subject: str, probe: Probe, trust: Trust | None) -> CheckResult:
        """Checks the certificate that the proxy shows; sets the probe's TLS context."""
        try:
            probe.tls = await asyncio.to_thread(trust) if trust else None
        except OSError as error:
            reason = file_reason(error)
            raise CheckFailed(
                f"The files of `tls`, or the service key's certificate, cannot be used: {reason}."
            ) from None
        if subject not in self._own_certificates:
            return skipped("none is configured")
        pem = await asyncio.to_thread(self._own_certificates[subject])
        end = await asyncio.to_thread(first_end, pem)
        until = time.strftime("%Y-%m-%d", time.gmtime(end))
        if end <= time.time():
            raise CheckFailed(
                f"The proxy's own certificate expired on {until}; create a new one, or a new service key."
            )
        if not await asyncio.to_thread(serves_clients, pem):
            raise CheckFailed(
                "The proxy's own certificate has no usage clientAuth (TLS client authentication), so SAP refuses it "
                "(KBA 3711618); get one from an authority that still issues it, or use a client secret."
            )
        if end - time.time() < SOON:
            return warning(f"expires on {until}; create a new one, or a new service key, before then")
        return ok(f"valid until {until}")

    async def _grant(self, client: OAuthClient) -> CheckResult:
        self._granted = None
        try:
            self._granted = granted = await grant(client, self._environ)
        except AuthorizationServerError as error:
            raise CheckFailed(error.detail) from None
        return ok(f"a token for {granted.lifetime:.0f} s, in {granted.seconds:.3f} s")

    async def _role(self, client: OAuthClient) -> CheckResult:
        """Checks whether the token permits sending; tokens of XSUAA name their roles, those of Neo do not."""
        found = self._granted.roles if self._granted else ()
        if SENDER_ROLE in found:
            return ok(SENDER_ROLE)
        if found:
            return warning(f"{', '.join(found)}: works only if the flow's sender adapter requires such a role")
        if client.provider is Provider.XSUAA:
            plan = "; its service key has plan api, use one with plan integration-flow"
            raise CheckFailed(
                f"The token has no role: give the service instance the role {SENDER_ROLE}"
                f"{plan if is_of_api(client.client_id) else ''}."
            )
        return skipped(f"the token names none; {self._sender} shows whether it may send")

    async def _compare_landscapes(self, route: RouteSettings) -> CheckResult:
        """Checks whether token URL and upstream can be of one tenant, as far as their names tell."""
        token_url = self._configuration.oauth_clients[route.oauth_client].token_url
        issuer, runtime = (landscape(urlsplit(url).hostname or "") for url in (token_url, route.upstream))
        if issuer is None or runtime is None:
            return skipped("a host that is not named as SAP's are does not tell where it is")
        if issuer != runtime:
            return warning(
                f"the token URL is of {issuer}, the upstream of {runtime}; the upstream accepts only tokens of its own "
                "tenant, so check `token_url` and `upstream`"
            )
        return ok(f"token URL and upstream are of {runtime}")

    async def _send(self, word: str, route: RouteSettings) -> CheckResult:
        if self._message is None:
            return skipped(f"none was sent ({self._sender} sends one, and runs the flow)")
        if route.methods is not None and "POST" not in route.methods:
            return skipped("none was sent, because the route does not accept POST")
        composed = compose(word, self._configuration, self._message, (), "POST")
        url = route.upstream + composed.target.partition("?")[0].removeprefix(route.path)
        if urlsplit(url).path.rstrip("/") in PREFIXES:
            example = f"doctor {composed.target.partition('?')[0].rstrip('/')}/NAME --send"
            return skipped(f"none was sent, because {url} is a prefix of flows; name one: {example}")
        async with embedded_proxy(self._configuration, self._environ) as proxy:
            record = (await proxy.send(composed)).record
        where = f" It was sent to {record.upstream}." if record.upstream else ""
        where += f" Its MPL id is {record.mpl_id}." if record.mpl_id else ""
        if record.code:
            raise CheckFailed(f"{record.status}, by the {record.made_by}: {record.detail}{where}")
        if not 200 <= record.status < 300:
            raise CheckFailed(
                f"{record.status}: {record.diagnosis or 'check the flow, and the system behind it.'}{where}"
            )
        mpl_id = f", MPL id {record.mpl_id}" if record.mpl_id else ""
        return ok(f"{record.status} in {record.total_seconds:.3f} s{mpl_id}, sent to {record.upstream}")


async def question(doubted: Sequence[tuple[str, str]]) -> CheckResult:
    """Checks whether options, each with what is in doubt, are probably not meant; that may explain later failures."""
    return (
        warning("; ".join(f"`{option}` {text}" for option, text in doubted))
        if doubted
        else skipped("none is probably a mistake")
    )


def store_examination(configuration: Configuration) -> "StoreExamination":
    """Returns what examines the store; blocks."""
    from proxy.trial import store  # noqa: PLC0415 - loads the extra

    return store.store_examination(configuration)


def serves_clients(pem: bytes) -> bool:
    """Whether the certificate may authenticate a TLS client; without extended usages it may (RFC 5280 §4.2.1.12)."""
    from cryptography.x509 import ExtendedKeyUsage, ExtensionNotFound, load_pem_x509_certificates  # noqa: PLC0415
    from cryptography.x509.oid import ExtendedKeyUsageOID as Usage  # noqa: PLC0415 - only if there is a certificate

    own = load_pem_x509_certificates(repair_pem(pem.decode("latin-1")).encode())[0]
    try:
        usages = own.extensions.get_extension_for_class(ExtendedKeyUsage).value
    except ExtensionNotFound:
        return True
    return Usage.CLIENT_AUTH in usages or Usage.ANY_EXTENDED_KEY_USAGE in usages


def is_https(url: str) -> bool:
    """Whether the URL uses TLS."""
    return url.startswith("https:")
