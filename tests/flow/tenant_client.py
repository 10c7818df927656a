"""A client of a stand-in tenant."""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import ClientSession, DummyCookieJar, TCPConnector
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from proxy.sandbox.clients import RegisteredClient
from proxy.sandbox.tenant import Tenant

GRANT = {"grant_type": "client_credentials"}


def basic(client_id: str, secret: str) -> dict[str, str]:
    """Returns an Authorization field."""
    return {"Authorization": f"Basic {base64.b64encode(f'{client_id}:{secret}'.encode()).decode()}"}


class Received(NamedTuple):
    """A complete answer."""

    status: int
    reason: str | None
    fields: CIMultiDictProxy[str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document

    @property
    def cookies(self) -> str:
        return "; ".join(line.partition(";")[0] for line in self.fields.getall("Set-Cookie"))


class TenantClient:
    """Sends token requests, messages and control requests to a tenant; keeps no cookies."""

    def __init__(self, tenant: Tenant, session: ClientSession) -> None:
        self.tenant = tenant
        self._session = session
        self._tokens: dict[str, dict[str, str]] = {}

    async def ask(self, method: str, url: str, **options: Any) -> Received:
        async with self._session.request(method, URL(url, encoded=True), **options) as answer:
            return Received(answer.status, answer.reason, answer.headers, await answer.read())

    async def grant(self, client: RegisteredClient, **options: Any) -> Received:
        """Sends a token request, with Basic unless there are other options."""
        url = self.tenant.xsuaa_token_url if client is self.tenant.btp_client else self.tenant.neo_token_url
        options = options or {"headers": basic(client.client_id, client.secret)}
        return await self.ask("POST", url, **{"data": GRANT, **options})

    async def token(self, client: RegisteredClient | None = None) -> dict[str, str]:
        """Returns an Authorization field with a token, by default one of the Neo client; the token is cached."""
        client = client or self.tenant.neo_client
        if client.client_id not in self._tokens:
            token = (await self.grant(client)).document["access_token"]
            self._tokens[client.client_id] = {"Authorization": f"Bearer {token}"}
        return self._tokens[client.client_id]

    async def send(
        self,
        path: str = "/http/invoices",
        body: Any = b"x",
        *,
        client: RegisteredClient | None = None,
        method: str = "POST",
        fields: Mapping[str, str] = CIMultiDict(),
        **options: Any,
    ) -> Received:
        headers = CIMultiDict(await self.token(client))
        headers.extend(fields)
        return await self.ask(method, self.tenant.runtime_url + path, headers=headers, data=body, **options)

    async def control(self, method: str, path: str, **options: Any) -> Received:
        return await self.ask(method, self.tenant.control_url + path, **options)


@asynccontextmanager
async def connected(tenant: Tenant) -> AsyncIterator[TenantClient]:
    """Opens a client that trusts the tenant."""
    connector = TCPConnector(ssl=tenant.client_context())
    async with ClientSession(connector=connector, cookie_jar=DummyCookieJar()) as session:
        yield TenantClient(tenant, session)
