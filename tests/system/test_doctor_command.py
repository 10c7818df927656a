"""`doctor` names what is wrong in its first failing line, whatever it is; and touches no integration flow unasked."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from proxy.cli.doctor import Examination, Finding, chosen
from proxy.config.load import load
from proxy.sandbox.tenant import Tenant
from proxy.trial.probe import CheckStatus
from tests.fakes.speaker import speaker
from tests.system.cli import CONFIGURATION, call, configure
from tests.system.command import free_port
from tests.unit.oauth.connect_proxy import connect_proxy

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class World:
    """A tenant and the configuration in front of it, both to be broken."""

    def __init__(self, tenant: Tenant, folder: Path, stack: AsyncExitStack) -> None:
        self.tenant, self.folder, self.stack = tenant, folder, stack
        values = {"neo": tenant.neo_token_url, "runtime": tenant.runtime_url}
        self.document: dict[str, Any] = yaml.safe_load(CONFIGURATION.format(**values))
        self.environ: dict[str, str] = {}
        self.orders: dict[str, Any] = self.document["oauth_clients"]["orders"]
        self.invoices: dict[str, Any] = self.document["oauth_clients"]["invoices"]
        self.route: dict[str, Any] = self.document["routes"][0]
        self.tls = {"ca_file": str(folder / "ca.pem")}

    async def serve(self, tls: ssl.SSLContext | None = None, says: bytes | None = b"") -> int:
        """The port of a server that says this and hangs up, or with None nothing at all."""
        return await self.stack.enter_async_context(speaker(says, tls))

    async def proxy(self, status: int) -> str:
        """The URL of a corporate proxy."""
        return f"http://127.0.0.1:{(await self.stack.enter_async_context(connect_proxy(status))).port}"

    async def examine(self, word: str | None, message: bytes | None) -> list[Finding]:
        """All findings."""
        file = self.folder / "proxy.yaml"
        await asyncio.to_thread(file.write_text, yaml.safe_dump(self.document))
        configuration = await asyncio.to_thread(load, file, self.environ)
        examination = Examination(configuration, self.environ, message)
        return [each async for each in examination.findings(chosen(word, configuration.routes))]


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    """A tenant whose files are in the folder."""
    async with Tenant() as tenant, AsyncExitStack() as stack:
        await asyncio.to_thread(tenant.write, folder)
        yield World(tenant, folder, stack)


Break = Callable[[World], Awaitable[object]]
BREAKAGES: list[Any] = []


def breakage(
    check: str, words: str, *, of: str = "oauth_client orders", sends: bool = False
) -> Callable[[Break], Break]:
    """Registers a way to break the world, and what `doctor` should say of it."""

    def register(function: Break) -> Break:
        name = function.__name__.replace("_", " ")
        BREAKAGES.append(pytest.param(function, of, check, words, b"" if sends else None, id=name))
        return function

    return register


ROUTE = "route orders"


@breakage("DNS", "cannot be resolved; check `token_url`")
async def token_host_unknown(world: World) -> None:
    """A typing error."""
    world.orders["token_url"] = "https://no-such-host.invalid/oauth2/api/v1/token"


@breakage("TCP", "refused the connection")
async def token_port_closed(world: World) -> None:
    """A wrong port."""
    world.orders["token_url"] = f"https://127.0.0.1:{free_port()}/oauth2/api/v1/token"


@breakage("TCP", "is the port in `proxy_url` and HTTPS_PROXY right?")
async def corporate_proxy_down(world: World) -> None:
    """Nobody listens there."""
    world.orders["proxy_url"] = f"http://127.0.0.1:{free_port()}"


@breakage("DNS", "check `proxy_url`")
async def corporate_proxy_unknown(world: World) -> None:
    """Its name does not resolve."""
    world.orders["proxy_url"] = "http://no-such-proxy.invalid:3128"


@breakage("proxy", "wants credentials")
async def corporate_proxy_wants_credentials(world: World) -> None:
    """407."""
    world.orders["proxy_url"] = await world.proxy(407)


@breakage("proxy", "with 403; is that host allowed there?")
async def corporate_proxy_forbids_the_host(world: World) -> None:
    """403."""
    world.orders["proxy_url"] = await world.proxy(403)


@breakage("TLS", "set `tls.ca_file` to the certificate of its authority. It is for CN=localhost, by CN=cpi-oauth-proxy")
async def authority_unknown(world: World) -> None:
    """As behind a proxy that breaks up TLS."""
    del world.orders["tls"]


@breakage("TLS", "it belongs to another host")
async def certificate_of_another_host(world: World) -> None:
    """A wrong address."""
    await impersonate(world, "other.example")


@breakage("TLS", "its time has not come or is over")
async def certificate_of_the_server_expired(world: World) -> None:
    """Somebody forgot to renew it."""
    await impersonate(world, "127.0.0.1", not_before=datetime(2019, 1, 1, tzinfo=UTC), not_after=LONG_AGO)


@breakage("TLS", "does it speak https")
async def token_port_speaks_no_tls(world: World) -> None:
    """Some other server."""
    world.orders["token_url"] = f"https://127.0.0.1:{await world.serve(says=b'220 smtp.example ESMTP')}/token"


@breakage("HTTP", "something that is no HTTP; check `token_url`")
async def token_port_speaks_no_http(world: World) -> None:
    """In the clear, on this machine."""
    world.orders["token_url"] = f"http://127.0.0.1:{await world.serve(says=b'220 smtp.example ESMTP' * 9)}/token"


@breakage("own cert", "ended on 2020-01-01; create a new one")
async def own_certificate_expired(world: World) -> None:
    """It lives for a year at most."""
    issued = trustme.CA().issue_cert("us.example", not_before=datetime(2019, 1, 1, tzinfo=UTC), not_after=LONG_AGO)
    await asyncio.to_thread(issued.private_key_and_cert_chain_pem.write_to_path, world.folder / "own.pem")
    world.orders["tls"] = {**world.tls, "cert_file": str(world.folder / "own.pem")}


@breakage("grant", "refused the grant with 401")
async def secret_wrong(world: World) -> None:
    """Or rotated."""
    await asyncio.to_thread((world.folder / "neo-secret").write_text, "another")


@breakage("grant", "check client_id")
async def client_unknown(world: World) -> None:
    """A typing error."""
    world.orders["client_id"] = "nobody"


@breakage("grant", "or try basic_encoding: urlencoded, because id or secret contain + or %")
async def secret_with_plus(world: World) -> None:
    """There are two schools."""
    await asyncio.to_thread((world.folder / "neo-secret").write_text, "a+b")


@breakage("grant", "check token_url, which is not a token endpoint")
async def token_path_wrong(world: World) -> None:
    """404."""
    world.orders["token_url"] += "/more"


@breakage("grant", "append /oauth/token to token_url", of="oauth_client invoices")
async def token_path_forgotten(world: World) -> None:
    """UAA answers with a riddle about CSRF."""
    await edit_service_key(world, "tokenurl", lambda url: url.removesuffix("/oauth/token") + "/")


@breakage("grant", "too many token requests")
async def throttled(world: World) -> None:
    """429."""
    world.tenant.faults.switch_on("neo.too_many_requests", 600)


@breakage("grant", "it is unavailable")
async def authorization_server_down(world: World) -> None:
    """503."""
    world.tenant.faults.switch_on("neo.unavailable")


@breakage("grant", "an HTML page instead of a token")
async def logon_page_in_place_of_a_token(world: World) -> None:
    """200."""
    world.tenant.faults.switch_on("neo.html")


@breakage("grant", "not a JSON object instead of a token")
async def token_cut_off(world: World) -> None:
    """Half of it."""
    world.tenant.faults.switch_on("neo.malformed")


@breakage("grant", "did not answer within 0.2 s")
async def authorization_server_silent(world: World) -> None:
    """It takes the request and is never heard of again."""
    world.tenant.faults.switch_on("neo.hang")
    world.orders["timeout"] = "200ms"


@breakage("grant", "ended the connection without an answer")
async def authorization_server_hangs_up(world: World) -> None:
    """In the middle."""
    world.tenant.faults.switch_on("neo.drop")


@breakage("DNS", "cannot be resolved; check `upstream`", of=ROUTE)
async def runtime_host_unknown(world: World) -> None:
    """A typing error."""
    world.route["upstream"] = "https://no-such-tenant.invalid/http/orders"


@breakage("TCP", "is the port in `upstream` right?", of=ROUTE)
async def runtime_port_closed(world: World) -> None:
    """A wrong port."""
    world.route["upstream"] = f"https://127.0.0.1:{free_port()}/http/orders"


@breakage("TLS", "set `tls.ca_file`", of=ROUTE)
async def authority_of_the_runtime_unknown(world: World) -> None:
    """The route has its own trust."""
    del world.route["tls"]


@breakage("HTTP", "does not answer within", of=ROUTE)
async def runtime_silent(world: World) -> None:
    """It connects, and says nothing."""
    world.route |= {"upstream": f"http://127.0.0.1:{await world.serve(says=None)}", "connect_timeout": "200ms"}


@breakage("HTTP", "ended the connection without an answer", of=ROUTE)
async def runtime_hangs_up(world: World) -> None:
    """As some load balancers do."""
    world.route["upstream"] = f"http://127.0.0.1:{await world.serve()}"


@breakage("HTTP", "wrong_host: No application has this host", of=ROUTE)
async def host_of_nobody(world: World) -> None:
    """Gorouter tells."""
    world.tenant.faults.switch_on("runtime.router_error", "unknown_route")


@breakage("HTTP", "runtime_unavailable", of=ROUTE)
async def runtime_down_behind_the_router(world: World) -> None:
    """Gorouter tells."""
    world.tenant.faults.switch_on("runtime.router_error", "no_endpoints")


@breakage("message", "401: token_rejected", of=ROUTE, sends=True)
async def token_of_another_tenant(world: World) -> None:
    """The runtime node does not know it."""
    world.tenant.faults.switch_on("runtime.unauthorized")


@breakage("message", "403: role_missing: The OAuth client has no permission to send", of=ROUTE, sends=True)
async def role_missing(world: World) -> None:
    """ESBMessaging.send."""
    world.tenant.faults.switch_on("runtime.role_missing")


@breakage("message", "403: csrf_required", of=ROUTE, sends=True)
async def csrf_switched_off(world: World) -> None:
    """The flow insists."""
    world.route["csrf"] = "off"


@breakage("message", "404: no_flow: No integration flow has this path", of=ROUTE, sends=True)
async def flow_not_deployed(world: World) -> None:
    """Or the prefix is another."""
    world.route["upstream"] += "/nothing"


@breakage("message", "500: flow_failed: The flow ran and failed", of=ROUTE, sends=True)
async def flow_fails(world: World) -> None:
    """The monitor has it."""
    world.tenant.faults.switch_on("runtime.flow_failed")


@breakage("message", "503: runtime_unavailable", of=ROUTE, sends=True)
async def runtime_overloaded(world: World) -> None:
    """Parallel messages have used it up."""
    world.tenant.faults.switch_on("runtime.unavailable")


@breakage("message", "413: body_too_large", of=ROUTE, sends=True)
async def message_too_large(world: World) -> None:
    """For the sender adapter."""
    world.tenant.faults.switch_on("runtime.too_large")


@breakage("message", "502, by the proxy", of=ROUTE, sends=True)
async def message_lost_on_the_way(world: World) -> None:
    """Nobody knows whether it arrived."""
    world.tenant.faults.switch_on("runtime.drop", "before")


@pytest.mark.parametrize(("broken", "of", "check", "words", "message"), BREAKAGES)
async def test_the_first_failing_line_names_the_cause(
    tmp_path: Path, broken: Break, of: str, check: str, words: str, message: bytes | None
) -> None:
    """And what comes after the failure of the same part is passed over."""
    async with world(tmp_path) as broken_world:
        await broken(broken_world)
        found = await broken_world.examine(None, message)
        failed = [each for each in found if each.step.result is CheckStatus.FAILED]
        assert failed
        assert (failed[0].subject, failed[0].step.check) == (of, check)
        assert words in failed[0].step.detail
        if message is None:
            assert not len(broken_world.tenant.messages)


async def test_nothing_is_wrong_with_a_whole_world_and_no_flow_is_touched(tmp_path: Path) -> None:
    """Every check has its line, also those with nothing to do; the runtime node has seen no message."""
    async with Tenant() as tenant:
        looked = await call(await configure(tenant, tmp_path), "doctor")
        assert looked.status == 0
        assert "failed" not in looked.output
        lines = [line.split() for line in looked.output.splitlines()]
        for check in ("DNS", "TCP", "proxy", "TLS", "certificate", "HTTP", "clock"):
            assert sum(check in line for line in lines) >= 4
        assert "ok       oauth_client invoices    role         ESBMessaging.send" in looked.output
        assert not len(tenant.messages)
        assert tenant.btp_client.secret not in looked.output


async def test_one_route_with_a_message_as_json(tmp_path: Path) -> None:
    """Its OAuth client and itself are looked at, nothing else; the message arrives once."""
    async with Tenant() as tenant:
        file = await configure(tenant, tmp_path)
        looked = await call(file, "doctor", "/invoices/2026", "--json", "--send", "--data", "<invoice/>")
        found = json.loads(looked.output)
        assert {each["subject"] for each in found} == {"oauth_client invoices", "route invoices"}
        assert found[-1]["check"] == "message"
        assert tenant.messages[-1].target == "/http/invoices/2026"
        assert (looked.status, found[-1]["result"]) == (1, "failed")  # only /http/invoices itself is a flow
        assert f"sent to {tenant.runtime_url}/http/invoices/2026." in found[-1]["detail"]
        looked = await call(file, "doctor", "invoices", "--json", "--send", "--data", "<invoice/>")
        found = json.loads(looked.output)
        assert (looked.status, found[-1]["result"]) == (0, "ok")
        assert found[-1]["detail"].endswith(f", sent to {tenant.runtime_url}/http/invoices")
        assert tenant.runs() == {"/invoices": 1}


@pytest.mark.parametrize("words", [("nowhere",), ("/nowhere",), ("orders", "--data", "x")])
async def test_wrong_words_are_exit_status_2(tmp_path: Path, words: tuple[str, ...]) -> None:
    """And nothing is looked at."""
    async with Tenant() as tenant:
        looked = await call(await configure(tenant, tmp_path), "doctor", *words)
        assert (looked.status, looked.output) == (2, "")
        assert looked.errors


async def impersonate(world: World, name: str, **validity: Any) -> None:
    """A token endpoint with this certificate, from an authority that is trusted."""
    authority = trustme.CA()
    issued = authority.issue_cert(name, **validity)
    await asyncio.to_thread(authority.cert_pem.write_to_path, world.folder / "other.pem")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued.configure_cert(tls)
    port = await world.serve(tls)
    world.orders |= {
        "token_url": f"https://127.0.0.1:{port}/token",
        "tls": {"ca_file": str(world.folder / "other.pem")},
    }


async def edit_service_key(world: World, name: str, change: Callable[[str], str]) -> None:
    """The service key with another value."""
    file = world.folder / "service-key.json"
    key = json.loads(await asyncio.to_thread(file.read_text))
    inner = key.get("oauth", key)
    inner[name] = change(inner[name])
    await asyncio.to_thread(file.write_text, json.dumps(key))
