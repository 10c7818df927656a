"""The page OAuth clients: the token of each with its times and claims, never the token itself."""

import asyncio
import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

from aiohttp import web

from proxy.app import App
from proxy.app.certificates import certificates
from proxy.config.file_threads import FileHangs, FileThreads
from proxy.config.pem import repair_pem
from proxy.console.problems import ApiProblem, document
from proxy.errors import AuthorizationServerError
from proxy.oauth.claims import claims
from proxy.oauth.source import TokenSource
from proxy.oauth.token import Token

Certificates = list[dict[str, Any]]
Change = tuple[int, int, object, bool]


class Clients:
    """The resources of OAuth clients."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._threads = FileThreads()
        self._claims: dict[str, tuple[Token, dict[str, Any]]] = {}
        self._certificates: dict[str, Certificates] = {}

    async def show(self, _request: web.Request) -> web.Response:
        """Answers with all OAuth clients."""
        await self._read()
        return document({"clients": self.documents()})

    async def renew(self, request: web.Request) -> web.Response:
        """Makes one grant, and answers with the OAuth client."""
        await self._read()
        name = request.match_info["name"]
        source = self._app.sources.get(name)
        if source is None:
            raise ApiProblem(404, f"There is no OAuth client {name}.")
        try:
            await source.renew()
        except AuthorizationServerError as error:
            raise ApiProblem(error.status, error.detail, error.title) from None
        return document(self._document(name, source))

    def documents(self) -> list[dict[str, Any]]:
        """Returns all OAuth clients, with certificates as they were read last."""
        return [self._document(name, source) for name, source in self._app.sources.items()]

    def changes(self) -> dict[str, Change]:
        """Returns values that differ if what is shown of an OAuth client has changed."""
        return {
            name: (id(each.present), id(each.failure), each.freshness, each.is_blocked)
            for name, each in self._app.sources.items()
        }

    def _document(self, name: str, source: TokenSource) -> dict[str, Any]:
        client, token = source.client, source.present
        return {
            "name": name,
            "provider": client.provider.value,
            "token_url": client.token_url,
            "client_id": client.client_id,
            "auth_method": client.token_endpoint_auth_method.value,
            "state": state_of(source),
            "obtained_at": token.obtained.wall if token else None,
            "fresh_until": token.fresh_until.wall if token else None,
            "expires_at": token.expires.wall if token else None,
            "failure": failure_of(source),
            "claims": self._claims_of(name, token),
            "certificates": self._certificates.get(name, []),
        }

    def _claims_of(self, name: str, token: Token | None) -> dict[str, Any] | None:
        """Returns the claims of a JWT; None for another token. Each token is read once."""
        if token is None:
            self._claims.pop(name, None)
            return None
        known = self._claims.get(name)
        if known is None or known[0] is not token:
            text = token.authorization.decode("latin-1").partition(" ")[2]
            known = self._claims[name] = (token, claims(text))
        return known[1] or None

    async def _read(self) -> None:
        """Reads the certificates, and loads what reads claims: both take time."""
        await asyncio.to_thread(importlib.import_module, "jwt")
        configuration = self._app.configuration
        readers = certificates(configuration)
        for name, client in configuration.oauth_clients.items():
            if reader := readers.get(f"oauth_client {name}"):
                file = str(client.tls.cert_file or client.service_key_file or "service key")
                try:
                    self._certificates[name] = await self._threads.run(partial(read_described, reader, file))
                except (OSError, ValueError, FileHangs):  # the log tells it, as credential.unreadable
                    self._certificates[name] = []


def state_of(source: TokenSource) -> str:
    """Returns `none`, `fresh`, `stale`, `expired` or `blocked`."""
    if source.is_blocked:
        return "blocked"
    return source.freshness.value if source.freshness else "none"


def failure_of(source: TokenSource) -> dict[str, Any] | None:
    """Returns the last failure; `until` is the end of the pause after it."""
    failure = source.failure
    if failure is None:
        return None
    return {
        "at": failure.since,
        "code": failure.error.code,
        "detail": failure.error.title,
        "what_to_do": failure.error.detail,
        "until": failure.retry_at.wall,
    }


def read_described(read: Callable[[], bytes], file: str) -> Certificates:
    """Returns the certificates of a PEM chain; OSError or ValueError if it cannot be read."""
    from cryptography.x509 import load_pem_x509_certificates  # noqa: PLC0415 - needed only if there is a certificate

    found = load_pem_x509_certificates(repair_pem(read().decode("latin-1")).encode())
    return [
        {"file": file, "subject": each.subject.rfc4514_string(), "ends_at": each.not_valid_after_utc.timestamp()}
        for each in found
    ]
