"""The first failed check names what is wrong."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from proxy.config.load import load
from proxy.sandbox.tenant import Tenant
from proxy.trial.checks import CheckStatus
from proxy.trial.examination import Examination, Finding, selected_routes, serves_clients
from tests.cases import cases
from tests.fakes.speaker import speaker
from tests.system.cli import CONFIGURATION
from tests.system.command import free_port
from tests.unit.oauth.connect_proxy import connect_proxy

ORDER = b'{"productIdentifier":"HT-1080"}'
PAST: dict[str, Any] = {"not_before": datetime(2019, 1, 1, tzinfo=UTC), "not_after": datetime(2020, 1, 1, tzinfo=UTC)}


class World:
    """Tenant and configuration; a test breaks one."""

    def __init__(self, tenant: Tenant, folder: Path, stack: AsyncExitStack) -> None:
        self.tenant, self.folder, self.stack = tenant, folder, stack
        values = {"neo": tenant.neo_token_url, "runtime": tenant.runtime_url}
        self.document: dict[str, Any] = yaml.safe_load(CONFIGURATION.format(**values))
        self.client: dict[str, Any] = self.document["oauth_clients"]["orders"]
        self.route: dict[str, Any] = self.document["routes"][0]

    async def serve(self, says: bytes | None = b"", tls: ssl.SSLContext | None = None) -> str:
        """Says this and closes; None says nothing."""
        return f"127.0.0.1:{await self.stack.enter_async_context(speaker(says, tls))}"

    async def findings(self, route: str, message: bytes | None) -> list[Finding]:
        file = self.folder / "proxy.yaml"
        await asyncio.to_thread(file.write_text, yaml.safe_dump(self.document))
        configuration = await asyncio.to_thread(load, file, {})
        examination = Examination(configuration, {}, message)
        return [each async for each in examination.findings(selected_routes(route, configuration.routes))]

    async def first_failure(self, route: str, message: bytes | None) -> tuple[str, str, str]:
        """Subject, check and detail."""
        found = await self.findings(route, message)
        first = next(each for each in found if each.status is CheckStatus.FAILED)
        return first.subject, first.check, first.detail


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Nothing is broken."""
    async with Tenant() as tenant, AsyncExitStack() as stack:
        await asyncio.to_thread(tenant.write, tmp_path)
        yield World(tenant, tmp_path, stack)


def client(**options: Any) -> Callable[[World], None]:
    """With `{port}` closed."""
    return lambda world: world.client.update(with_port(options))


def route(**options: Any) -> Callable[[World], None]:
    """By other options."""
    return lambda world: world.route.update(with_port(options))


def with_port(options: dict[str, str]) -> dict[str, str]:
    """No server listens there."""
    return {name: value.format(port=free_port()) for name, value in options.items()}


def fault(name: str, value: Any = None) -> Callable[[World], None]:
    """Of the tenant."""
    return lambda world: world.tenant.faults.switch_on(name, *([] if value is None else [value]))


def secret(text: str) -> Callable[[World], object]:
    """Another one."""
    return lambda world: (world.folder / "neo-secret").write_text(text)


@cases(
    "breaks, words",
    {
        "token of another tenant": (fault("runtime.unauthorized"), "401: token_rejected"),
        "no role": (fault("runtime.role_missing"), "403: role_missing: The OAuth client has no permission to send"),
        "no CSRF token": (route(csrf="off"), "403: csrf_required"),
        "no flow": (
            lambda world: world.route.update(upstream=world.route["upstream"] + "/nothing"),
            "404: no_flow: No integration flow has this path",
        ),
        "failing flow": (fault("runtime.flow_failed"), "500: flow_failed: The flow ran and failed"),
        "overloaded runtime": (fault("runtime.unavailable"), "503: runtime_unavailable"),
        "large message": (fault("runtime.too_large"), "413: body_too_large"),
        "lost message": (fault("runtime.drop", "before"), "502, by the proxy"),
    },
)
async def test_a_failing_message_is_explained(world: World, breaks: Callable[[World], object], words: str) -> None:
    """By status and diagnosis."""
    breaks(world)
    subject, failed, detail = await world.first_failure("orders", b"")
    assert (subject, failed) == ("route orders", "message")
    assert words in detail


async def corporate_proxy(world: World, status: int) -> None:
    """It answers CONNECT with this status."""
    connecting = await world.stack.enter_async_context(connect_proxy(status))
    world.client["proxy_url"] = f"http://127.0.0.1:{connecting.port}"


async def impersonate(world: World, name: str, **validity: Any) -> None:
    """Under this name, by a trusted authority."""
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    await asyncio.to_thread(authority.cert_pem.write_to_path, world.folder / "other.pem")
    authority.issue_cert(name, **validity).configure_cert(tls)
    world.client |= {"token_url": f"https://{await world.serve(b'', tls)}/token", "tls": {"ca_file": "other.pem"}}


async def usage(world: World) -> None:
    """A certificate for servers only."""
    pem = await asyncio.to_thread(certified, [ExtendedKeyUsageOID.SERVER_AUTH])
    await asyncio.to_thread((world.folder / "own.pem").write_bytes, pem)
    world.client["tls"] |= {"cert_file": "own.pem"}


def certified(usages: list[ObjectIdentifier] | None) -> bytes:
    """Key and certificate with these usages, if any."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "us")])
    start = datetime.now(UTC) - timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + timedelta(days=99))
    if usages is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + builder.sign(key, SHA256()).public_bytes(Encoding.PEM)


@cases(
    "usages, serves",
    (None, True),
    ([ExtendedKeyUsageOID.SERVER_AUTH], False),
    ([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH], True),
    ([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE], True),
)
def test_a_certificate_says_whether_clients_may_use_it(usages: list[ObjectIdentifier] | None, *, serves: bool) -> None:
    """Unless it names no usage."""
    assert serves_clients(certified(usages)) is serves


async def results(world: World, word: str, message: bytes | None = None) -> dict[str, tuple[CheckStatus, str]]:
    """Of a route, by check."""
    found = await world.findings(word, message)
    return {each.check: (each.status, each.detail) for each in found if each.subject.startswith("route")}


@cases(
    "token_url, upstream, status, words",
    ("oauthasservices-a", "a-iflmap.hcisbt.eu1.hana.ondemand.com", CheckStatus.OK, "are of Neo, eu1"),
    ("oauthasservices-a.us1", "a-iflmap.hcisbt.eu1.hana.ondemand.com", CheckStatus.WARNING, "of Neo, us1"),
    ("oauthasservices-a", "a.it-cpi001-rt.cfapps.eu10.hana.ondemand.com", CheckStatus.WARNING, "Foundry, eu10"),
    ("oauthasservices-a", "cpi.example.com", CheckStatus.SKIPPED, "does not tell"),
)
async def test_token_and_runtime_of_different_landscapes_are_told(
    world: World, token_url: str, upstream: str, status: CheckStatus, words: str
) -> None:
    """As a warning, offline."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    world.client |= {"token_url": f"https://{token_url}.hana.ondemand.com/oauth2/api/v1/token", "proxy_url": nowhere}
    world.route |= {"upstream": f"https://{upstream}/http", "proxy_url": nowhere}
    found = (await results(world, "orders"))["landscape"]
    assert found[0] is status
    assert words in found[1]


ORDERS, ROUTE = "oauth_client orders", "route orders"
DESIGN_TIME = "`upstream` leads to the design time of the tenant, which runs no flows; the runtime's host has"
WHITE = "`client_secret` begins or ends with white space, which is sent too; remove it if it is left from copying"
OF_API = "is of plan api, which is for the OData API and cannot send messages; use a key of plan integration-flow"
NEO_HOST = "https://oauthasservices-a1b2c3.hana.ondemand.com"


@cases(
    "options, upstream, expected",
    {
        "none": ({}, "https://a1b2c3-iflmap.hcisbt.eu1.hana.ondemand.com/http/orders", {}),
        "upstream": ({}, "https://a1b2c3-tmn.hci.eu1.hana.ondemand.com/http/orders", {ROUTE: f"{DESIGN_TIME} -iflmap"}),
        "secret and upstream": (
            {"client_secret_file": None, "client_secret": "cAnAry "},
            "https://acme.it-cpi001.cfapps.eu10.hana.ondemand.com/http/orders",
            {ORDERS: WHITE, ROUTE: f"{DESIGN_TIME} -rt"},
        ),
        "client id and token URL": (
            {"token_url": f"{NEO_HOST}/", "client_id": "sb-0b5c5a4e!b1234|it!b56"},
            "https://cpi.example.com/http/orders",
            {
                ORDERS: f"`client_id` {OF_API}; `token_url` is not the token endpoint of Neo; "
                f"write {NEO_HOST}/oauth2/api/v1/token"
            },
        ),
    },
)
async def test_what_check_warns_of_is_told_before_the_failure_that_it_explains(
    world: World, options: dict[str, Any], upstream: str, expected: dict[str, str]
) -> None:
    """First of its client or route, and no failure."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    world.client |= {"proxy_url": nowhere} | options
    world.document["oauth_clients"]["orders"] = {name: each for name, each in world.client.items() if each}
    world.route |= {"upstream": upstream, "proxy_url": nowhere}
    found = await world.findings("orders", None)
    first = {subject: next(each for each in found if each.subject == subject) for subject in (ORDERS, ROUTE)}
    assert {each.check for each in first.values()} == {"options"}
    told = [each for each in found if each.check == "options" and each.status is not CheckStatus.SKIPPED]
    assert {each.subject: each.detail for each in told} == expected
    assert {each.status for each in told} <= {CheckStatus.WARNING}


@cases("path", "", "/http", "/cxf")
async def test_no_message_is_sent_to_a_prefix_of_flows(world: World, path: str) -> None:
    """But to a flow below it."""
    world.route |= {"path": "/all", "upstream": world.tenant.runtime_url + path}
    status, detail = (await results(world, "all", b"x"))["message"]
    assert status is CheckStatus.SKIPPED
    assert detail.endswith(f"{world.tenant.runtime_url}{path} is a prefix of flows; name one: doctor /all/NAME --send")
    assert not len(world.tenant.messages)
    below = f"/all{'' if path == '/http' else '/http'}/orders"
    if path != "/cxf":
        status, detail = (await results(world, below, ORDER))["message"]
        assert status is CheckStatus.OK
        assert ", MPL id AG" in detail
        assert detail.endswith(f", sent to {world.tenant.runtime_url}/http/orders")


async def test_a_failed_message_has_its_url_and_mpl_id(world: World) -> None:
    """Without its query."""
    world.tenant.faults.switch_on("runtime.flow_failed")
    _, _, detail = await world.first_failure("/orders?key=cAnAry", b"x")
    assert f" It was sent to {world.tenant.runtime_url}/http/orders. Its MPL id is AG" in detail
    assert "cAnAry" not in detail


async def own_certificate(world: World) -> None:
    """An expired one."""
    issued = trustme.CA().issue_cert("us.example", **PAST)
    await asyncio.to_thread(issued.private_key_and_cert_chain_pem.write_to_path, world.folder / "own.pem")
    world.client["tls"] |= {"cert_file": "own.pem"}


async def token_server(world: World, scheme: str) -> None:
    """Of mail."""
    world.client["token_url"] = f"{scheme}://{await world.serve(b'220 smtp.example ESMTP' * 9)}/token"


async def upstream_server(world: World, says: bytes | None) -> None:
    """Without an answer."""
    world.route |= {"upstream": f"http://{await world.serve(says)}", "connect_timeout": "200ms"}


async def silent_token_endpoint(world: World) -> None:
    """Beyond the timeout."""
    world.tenant.faults.switch_on("neo.hang")
    world.client["timeout"] = "200ms"


@cases(
    "breaks, told",
    {
        "unknown host": (
            client(token_url="https://no-such-host.invalid/token"),
            "client, DNS: cannot be resolved; check `token_url`",
        ),
        "closed port": (client(token_url="https://127.0.0.1:{port}/token"), "client, TCP: refused the connection"),
        "closed port of the corporate proxy": (
            client(proxy_url="http://127.0.0.1:{port}"),
            "client, TCP: refused the connection; check `proxy_url` and HTTPS_PROXY.",
        ),
        "unknown corporate proxy": (
            client(proxy_url="http://p.invalid:3128"),
            "client, DNS: The name of the corporate proxy http://p.invalid:3128 cannot be resolved; check `proxy_url`",
        ),
        "unknown authority": (
            lambda world: world.client.pop("tls"),
            "client, TLS: if a proxy in between opens TLS, of that proxy's. It is for CN=localhost, issued by CN=cpi",
        ),
        "wrong secret": (secret("another"), "client, grant: refused the grant with 401"),
        "unknown client": (client(client_id="nobody"), "client, grant: check client_id"),
        "secret with +": (
            secret("a+b"),
            "client, grant: or try basic_encoding: urlencoded, because id or secret contain + or %",
        ),
        "wrong path": (
            lambda world: world.client.update(token_url=world.client["token_url"] + "/more"),
            "client, grant: check token_url, which is not a token endpoint",
        ),
        "429": (fault("neo.too_many_requests", 600), "client, grant: too many token requests"),
        "logon page": (fault("neo.html"), "client, grant: an HTML page instead of a token"),
        "half a token": (fault("neo.malformed"), "client, grant: not a JSON object instead of a token"),
        "closed connection": (fault("neo.drop"), "client, grant: ended the connection without an answer"),
        "unknown host of the route": (
            route(upstream="https://no-such-tenant.invalid/http"),
            "route, DNS: cannot be resolved; check `upstream`",
        ),
        "closed port of the route": (
            route(upstream="https://127.0.0.1:{port}/http"),
            "route, TCP: is the port in `upstream` right?",
        ),
        "unknown authority of the route": (lambda world: world.route.pop("tls"), "route, TLS: set `tls.ca_file`"),
        "wrong host": (
            fault("runtime.router_error", "unknown_route"),
            "route, HTTP: wrong_host: No application has this host",
        ),
        "no runtime behind the router": (
            fault("runtime.router_error", "no_endpoints"),
            "route, HTTP: runtime_unavailable",
        ),
        "407": (lambda world: corporate_proxy(world, 407), "client, proxy: wants credentials"),
        "403": (lambda world: corporate_proxy(world, 403), "client, proxy: with 403; is that host allowed there?"),
        "other name": (lambda world: impersonate(world, "other.example"), "client, TLS: it belongs to another host"),
        "expired certificate": (
            lambda world: impersonate(world, "127.0.0.1", **PAST),
            "client, TLS: it is not valid yet or has expired",
        ),
        "no TLS": (lambda world: token_server(world, "https"), "client, TLS: does it speak https"),
        "no HTTP": (
            lambda world: token_server(world, "http"),
            "client, HTTP: something that is not HTTP; check `token_url`",
        ),
        "expired own certificate": (own_certificate, "client, own cert: expired on 2020-01-01; create a new one"),
        "own certificate of a server": (usage, "client, own cert: has no usage clientAuth"),
        "silent token endpoint": (silent_token_endpoint, "client, grant: did not answer within 0.2 s"),
        "silent upstream": (lambda world: upstream_server(world, None), "route, HTTP: does not answer within"),
        "closed connection of the upstream": (
            lambda world: upstream_server(world, b""),
            "route, HTTP: ended the connection without an answer",
        ),
    },
)
async def test_what_is_broken_is_named(world: World, breaks: Callable[[World], object], told: str) -> None:
    """With what to do; nothing reaches the tenant."""
    done = breaks(world)
    if isinstance(done, Awaitable):
        await done
    place, _, words = told.partition(": ")
    subject, check, detail = await world.first_failure("orders", None)
    assert f"{subject.removeprefix('oauth_').removesuffix(' orders')}, {check}" == place
    assert words in detail
    assert not len(world.tenant.messages)


async def test_a_forgotten_path_of_xsuaa_is_named(world: World) -> None:
    """And what to append."""

    def cut() -> None:
        file = world.folder / "service-key.json"
        key = json.loads(file.read_text())
        inner = key.get("oauth", key)
        inner["tokenurl"] = inner["tokenurl"].removesuffix("/oauth/token") + "/"
        file.write_text(json.dumps(key))

    await asyncio.to_thread(cut)
    subject, check, detail = await world.first_failure("invoices", None)
    assert (subject, check) == ("oauth_client invoices", "grant")
    assert "append /oauth/token to token_url" in detail
