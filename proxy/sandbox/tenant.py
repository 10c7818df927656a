"""The whole sandbox: a tenant with both authorization servers, a runtime node and a control address."""

import asyncio
import json
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from proxy.clock import Clock, SystemClock
from proxy.sandbox.addresses import Sockets, TenantAddresses, bind
from proxy.sandbox.authentication import AssertionVerifier, ClientRegistry
from proxy.sandbox.certificate_authority import Identity
from proxy.sandbox.clients import (
    certificate_key,
    make_btp_client,
    make_neo_client,
    make_roleless_client,
    secret_key,
)
from proxy.sandbox.control import Control
from proxy.sandbox.csrf import HttpSessions
from proxy.sandbox.endpoint import AuthorizationServer, AuthorizationServerSite
from proxy.sandbox.faults import Faults, Sleep
from proxy.sandbox.flows import FLOWS, PREFIX
from proxy.sandbox.grants import GrantContext, GrantLog
from proxy.sandbox.neo import Neo
from proxy.sandbox.recorder import MessageLog
from proxy.sandbox.runtime import RuntimeNode
from proxy.sandbox.tenant_keys import TenantKeys
from proxy.sandbox.tokens import IssuedTokens
from proxy.sandbox.xsuaa import Xsuaa

Respond = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_IDLE_TIMEOUT = 60.0
"SAP BTP help, specific configurations: idle connections are closed after a minute."

_TOKEN_HEAD, _RUNTIME_HEAD = 16 << 10, 64 << 10
"Limits for header fields at XSUAA and at the Cloud Foundry router, in bytes."

_SHUTDOWN = 1.0
"Seconds that unfinished answers get when the sandbox closes."


class Tenant:
    """A tenant on loopback: after the start it records `messages`, `grants` and `runs()`.

    As a context manager it listens on free ports. `sleep` is used by the faults named slow.
    """

    def __init__(
        self,
        *,
        neo_secret: str | None = None,
        clock: Clock | None = None,
        sleep: Sleep = asyncio.sleep,
        idle_timeout: float = _IDLE_TIMEOUT,
    ) -> None:
        self._clock = clock or SystemClock()
        self._idle_timeout = idle_timeout
        self._stack = AsyncExitStack()
        self._keys: TenantKeys | None = None
        self._addresses: TenantAddresses | None = None
        self._runtime_server: web.Server | None = None
        self.neo_client = make_neo_client(neo_secret)
        self.roleless_client = make_roleless_client()
        self.btp_client = make_btp_client()
        self.faults = Faults(sleep=sleep)
        self.grants = GrantLog()
        self.messages = MessageLog()
        self.tokens = IssuedTokens()
        self.sessions = HttpSessions()
        self.node = RuntimeNode(
            tokens=self.tokens,
            sessions=self.sessions,
            faults=self.faults,
            messages=self.messages,
            clock=self._clock,
        )

    async def start(self, port_base: int = 0) -> None:
        """Listens on four ports from `port_base` on, or on free ones if it is 0; OSError if one is in use."""
        sockets = bind(port_base)
        try:
            await self._listen(sockets)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Releases delayed requests and stops listening."""
        self.faults.clear()
        await self._stack.aclose()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def addresses(self) -> TenantAddresses:
        """Ports and URLs; RuntimeError before the start, like all properties below."""
        if self._addresses is None:
            raise RuntimeError("the sandbox has not been started")
        return self._addresses

    @property
    def neo_token_url(self) -> str:
        """Token URL of the Neo clients."""
        return self.addresses.neo_token_url

    @property
    def xsuaa_token_url(self) -> str:
        """Token URL of the BTP client."""
        return self.addresses.xsuaa_token_url

    @property
    def runtime_url(self) -> str:
        """Base URL of the runtime node; flows are below `/http`."""
        return self.addresses.runtime_url

    @property
    def control_url(self) -> str:
        """Base URL of the control address."""
        return self.addresses.control_url

    @property
    def ca_pem(self) -> str:
        """The certificate authority that clients must trust."""
        return self._started_keys().authority.pem

    @property
    def client_identity(self) -> Identity:
        """The BTP client's certificate, and the key that signs its assertions."""
        return self._started_keys().client

    @property
    def service_key(self) -> dict[str, object]:
        """The BTP client's service key, with secret."""
        now = self._clock.wall()
        return secret_key(self.btp_client, url=self.runtime_url, token_url=self.xsuaa_token_url, created=now)

    @property
    def certificate_service_key(self) -> dict[str, object]:
        """The BTP client's service key, with certificate."""
        identity, urls = self.client_identity, self.addresses
        return certificate_key(self.btp_client, identity, url=urls.runtime_url, token_url=urls.xsuaa_token_url)

    def client_context(self) -> ssl.SSLContext:
        """Returns a TLS context that trusts the sandbox."""
        return self._started_keys().authority.client_context()

    def write(self, directory: Path) -> None:
        """Writes certificate authority, secrets and keys into a folder, as files of mode 0600."""
        directory.mkdir(parents=True, exist_ok=True)
        texts = {
            "ca.pem": self.ca_pem,
            "neo-secret": self.neo_client.secret,
            "neo-without-role-secret": self.roleless_client.secret,
            "assertion-key.pem": self.client_identity.private_key,
            "service-key.json": json.dumps(self.service_key, indent=2),
            "service-key-certificate.json": json.dumps(self.certificate_service_key, indent=2),
        }
        for name, text in texts.items():
            _write_whole(directory / name, text)

    def runs(self) -> dict[str, int]:
        """Returns how often each flow ran, by its address; only those that ran."""
        return self.node.runs.as_dict()

    def close_idle(self) -> int:
        """Closes the idle connections to the runtime node; returns their number."""
        return self.node.close_idle(self._runtime_server) if self._runtime_server else 0

    def reset(self) -> None:
        """Deletes faults, messages, grants, tokens and sessions; addresses and credentials stay."""
        self.faults.clear()
        self.faults.struck.clear()
        self.messages.clear()
        self.grants.clear()
        self.tokens.revoke_all()
        self.sessions.clear()
        self.node.runs.clear()

    def describe(self) -> dict[str, object]:
        """Returns addresses and OAuth clients, without secrets."""
        return {
            "neo_token_url": self.neo_token_url,
            "xsuaa_token_url": self.xsuaa_token_url,
            "runtime_url": self.runtime_url,
            "control_url": self.control_url,
            "flows": [self.runtime_url + PREFIX + flow.address for flow in FLOWS],
            "oauth_clients": [client.client_id for client in (self.neo_client, self.roleless_client, self.btp_client)],
        }

    def _started_keys(self) -> TenantKeys:
        if self._keys is None:
            raise RuntimeError("the sandbox has not been started")
        return self._keys

    async def _listen(self, sockets: Sockets) -> None:
        for bound in (sockets.neo, sockets.xsuaa, sockets.runtime, sockets.control):
            self._stack.callback(bound.close)
        urls = self._addresses = sockets.addresses()
        keys = self._keys = await asyncio.to_thread(TenantKeys.make, self.btp_client.certificate_name or "")
        neo = GrantContext(
            url=urls.neo_url,
            registry=ClientRegistry([self.neo_client, self.roleless_client]),
            tokens=self.tokens,
            key=keys.signing,
            faults=self.faults,
            clock=self._clock,
        )
        assertions = AssertionVerifier(
            audience=urls.xsuaa_token_url, identities={self.btp_client.client_id: keys.client}
        )
        xsuaa = replace(neo, url=urls.xsuaa_url, registry=ClientRegistry([self.btp_client], assertions=assertions))
        tls = keys.server_context
        self._runtime_server = self._serve(self.node.respond, _RUNTIME_HEAD)
        await self._open(self._serve(self._endpoint(Neo(neo)).respond, _TOKEN_HEAD), sockets.neo, tls)
        await self._open(self._serve(self._endpoint(Xsuaa(xsuaa)).respond, _TOKEN_HEAD), sockets.xsuaa, tls)
        await self._open(self._runtime_server, sockets.runtime, tls)
        await self._open(Control(self).application(), sockets.control, None)

    def _endpoint(self, server: AuthorizationServer) -> AuthorizationServerSite:
        return AuthorizationServerSite(server, faults=self.faults, grants=self.grants)

    def _serve(self, respond: Respond, largest_field: int) -> web.Server:
        return web.Server(
            respond,
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=self._idle_timeout,
            lingering_time=0,
            max_field_size=largest_field,
            max_line_size=largest_field,
        )

    async def _open(
        self, served: web.Server | web.Application, bound: socket.socket, tls: ssl.SSLContext | None
    ) -> None:
        if isinstance(served, web.Server):
            runner: web.BaseRunner = web.ServerRunner(served, shutdown_timeout=_SHUTDOWN)
        else:
            runner = web.AppRunner(served, access_log=None, shutdown_timeout=_SHUTDOWN)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.SockSite(runner, bound, ssl_context=tls).start()


def _write_whole(path: Path, text: str) -> None:
    # A proxy that watches the file must never read an incomplete one.
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    beside.touch(mode=0o600, exist_ok=False)
    beside.write_text(text)
    beside.replace(path)
