"""Sends token requests; the only module that uses aiohttp's client.

One session serves all OAuth clients. It keeps no cookies, follows no redirects, reads neither `HTTP_PROXY` nor
`.netrc`, and opens a new connection for each request (connector.py).
"""

import errno
import os
import socket
import ssl
from functools import partial
from typing import TYPE_CHECKING, Self

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from proxy import __version__
from proxy.config.egress import CorporateProxy, corporate_proxy
from proxy.config.file_threads import FileHangs, FileThreads
from proxy.errors import AuthorizationServerError, GrantMalformed, GrantTimeout, GrantUnavailable
from proxy.oauth.answer import MAX_BODY, TokenResponse
from proxy.oauth.connector import MAX_FIELDS, MAX_LINE, AnswerTooLong, GrantConnector
from proxy.oauth.trust import needs_own_trust, own_trust
from proxy.timeouts import timeout
from proxy.wire.challenge import challenge
from proxy.wire.resolver import Resolver
from proxy.wire.tls_context import certificate_advice, file_reason, reason_of, verifying_context

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from proxy.config.model import OAuthClient
    from proxy.oauth.grant import GrantRequest

USER_AGENT = f"cpi-oauth-proxy/{__version__}"


class GrantSession:
    """What the requests to all token endpoints share; a corporate proxy may be named in `environ`."""

    def __init__(self, *, environ: "Mapping[str, str]", resolver: Resolver | None = None) -> None:
        self._environ = environ
        self.resolver = resolver or Resolver()
        self._threads = FileThreads()
        self._http: aiohttp.ClientSession | None = None
        self._system_trust: ssl.SSLContext | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        await self.close()

    def endpoint(self, client: "OAuthClient") -> "HttpTokenEndpoint":
        """Returns the OAuth client's token endpoint; ValueError if the URL of its corporate proxy is not valid."""
        named = None if client.proxy_url is None else client.proxy_url.get_secret_value()
        return HttpTokenEndpoint(
            self, client, corporate_proxy(client.token_url, proxy_url=named, environ=self._environ)
        )

    async def close(self) -> None:
        """Closes the session; a request that is still running fails."""
        http, self._http = self._http, None
        if http is not None:
            await http.close()

    def http(self) -> aiohttp.ClientSession:
        """Returns aiohttp's session; the first call makes it, in the event loop that uses it."""
        if self._http is None:
            self._http = aiohttp.ClientSession(
                connector=GrantConnector(self.resolver),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": USER_AGENT},
                trust_env=False,
                max_line_size=MAX_LINE,
                max_field_size=MAX_LINE,
                max_headers=MAX_FIELDS,
            )
        return self._http

    async def trust(self, client: "OAuthClient", threads: FileThreads) -> ssl.SSLContext:
        """Makes the TLS context in a thread; one with the system's hundreds of authorities is shared.

        `threads` belong to the OAuth client, because its files may hang.
        """
        if needs_own_trust(client):
            return await threads.run(partial(own_trust, client))
        if self._system_trust is None:
            self._system_trust = await self._threads.run(verifying_context)
        return self._system_trust


class HttpTokenEndpoint:
    """The token endpoint of one OAuth client, with its TLS context, corporate proxy and timeout."""

    def __init__(self, session: GrantSession, client: "OAuthClient", proxy: CorporateProxy | None) -> None:
        self._session = session
        self._client = client
        self._proxy = proxy
        self._trust: ssl.SSLContext | None = None
        self._threads = FileThreads()

    async def send(self, request: "GrantRequest") -> TokenResponse:
        """Sends one token request and returns the answer, whatever its status.

        GrantUnavailable if no answer came, GrantTimeout if it was not complete within the OAuth client's `timeout`,
        GrantMalformed if it was not HTTP.
        """
        if self._trust is None:
            self._trust = await self._load_trust(request)
        try:
            async with (
                timeout(self._client.timeout),
                self._session.http().request(
                    request.method,
                    URL(request.target, encoded=True),
                    headers=list(request.fields) + _content_type(request),
                    data=request.body or None,
                    skip_auto_headers=("Content-Type",),  # a request without a form has no content
                    allow_redirects=False,
                    ssl=self._trust,
                    proxy=None if self._proxy is None else self._proxy.url,
                    proxy_headers=_proxy_fields(self._proxy),
                    timeout=aiohttp.ClientTimeout(total=None),  # it would fire before received bytes are read
                ) as response,
            ):
                return TokenResponse(
                    status=response.status,
                    content_type=response.headers.get("Content-Type", ""),
                    retry_after=response.headers.get("Retry-After"),
                    body=await _read_bounded(response.content),
                )
        except (aiohttp.ClientError, HttpProcessingError, OSError, TimeoutError) as error:
            raise self._failure(error, request) from error

    async def _load_trust(self, request: "GrantRequest") -> ssl.SSLContext:
        try:
            return await self._session.trust(self._client, self._threads)
        except OSError as error:
            if error.errno in {errno.EMFILE, errno.ENFILE}:
                raise GrantUnavailable("All file descriptors are in use (see `ulimit -n`); try again later.") from error
            raise GrantUnavailable(
                f"The certificates of OAuth client {request.oauth_client} cannot be used ({file_reason(error)}): "
                "check tls and the service key."
            ) from error

    def _failure(self, error: Exception, request: "GrantRequest") -> AuthorizationServerError:
        """Returns what aiohttp's exception means, in our own words, because aiohttp's may quote the server."""
        subject = request.subject
        match error:
            case TimeoutError():
                return GrantTimeout(f"{subject} {self._late(request)}.")
            case aiohttp.ClientHttpProxyError():
                return self._proxy_failure(error, request.host)
            case aiohttp.ClientProxyConnectionError():
                text = f"The corporate proxy cannot be reached ({_reason(error.os_error)}): check proxy_url."
            case aiohttp.ClientConnectorCertificateError():
                text = (
                    f"{subject} presented a certificate that is not accepted ({_certificate(error.certificate_error)}."
                )
            case aiohttp.ClientConnectorSSLError():
                advice = "does it speak https, and TLS 1.2 or newer, and does it require a certificate (`tls`)?"
                text = f"{subject} ended the TLS handshake ({_reason(error.os_error)}); {advice}"
            case aiohttp.ClientConnectorError():
                text = f"{subject} cannot be reached ({_reason(error.os_error)}): check token_url and the firewall."
            case aiohttp.ClientResponseError() | HttpProcessingError():
                too_long = error if isinstance(error, AnswerTooLong) else error.__cause__
                what = too_long.message if isinstance(too_long, AnswerTooLong) else "something that is not HTTP"
                text = f"{subject} answered with {what}: check token_url."
                return GrantMalformed(text, definite=True)
            case aiohttp.ClientPayloadError():
                text = f"{subject} ended the connection in the middle of its answer; try again later."
            case _ if isinstance(error.__cause__ or error.__context__, ssl.SSLError):
                fix = "if it requires a certificate, set the OAuth client's `tls`"
                text = f"{subject} ended TLS without an answer: {fix}."
            case _:
                text = f"{subject} ended the connection without an answer; try again later."
        return GrantUnavailable(text)

    def _late(self, request: "GrantRequest") -> str:
        """Says what took too long: DNS, or the server."""
        name = self._proxy.address[0] if self._proxy else URL(request.target, encoded=True).raw_host or ""
        seconds = f"within {self._client.timeout:g} s"
        if self._session.resolver.looks_up(name):
            return f"cannot be reached (the name {name} was not resolved {seconds}): check DNS"
        return f"did not answer {seconds}; try again later"

    def _proxy_failure(self, error: aiohttp.ClientHttpProxyError, host: str) -> GrantUnavailable:
        """Returns what the corporate proxy's status means; it is not 2xx."""
        if error.status != 407:
            text = f"The corporate proxy refused to connect to {host} with {error.status}: check proxy_url."
            return GrantUnavailable(text, definite=error.status == 403)
        asked = error.headers.getall("Proxy-Authenticate", ()) if error.headers else ()
        known = self._proxy is not None and self._proxy.authorization is not None
        text = f"The corporate proxy on the way to {host} {challenge(asked, has_credentials=known)}."
        return GrantUnavailable(text, definite=True)


def _content_type(request: "GrantRequest") -> list[tuple[str, str]]:
    return [("Content-Type", "application/x-www-form-urlencoded")] if request.form else []


def _proxy_fields(proxy: CorporateProxy | None) -> dict[str, str] | None:
    if proxy is None or proxy.authorization is None:
        return None
    return {"Proxy-Authorization": proxy.authorization}


async def _read_bounded(content: aiohttp.StreamReader) -> bytes:
    """Returns up to one byte more than is allowed, which shows that the body was too long."""
    body = bytearray()
    while len(body) <= MAX_BODY and (chunk := await content.read(MAX_BODY + 1 - len(body))):
        body += chunk
    return bytes(body)


def _certificate(error: Exception) -> str:
    """Returns the reason, in OpenSSL's words, and what to do."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{_reason(error)}): {certificate_advice(error)}"
    return f"{_reason(error)}): check `tls`"


def _reason(error: BaseException) -> str:
    """Returns the reason in the words of OpenSSL or the system, which quote nothing of the peer."""
    match error:
        case FileHangs():
            return str(error)
        case ssl.SSLError():
            return reason_of(error)
        case socket.gaierror():
            return "its name cannot be resolved"
        case OSError(errno=int() as number):
            return os.strerror(number)
        case ConnectionError():
            return "it broke off the TLS handshake; it may not support TLS 1.2 or newer"
        case _:
            return "for several reasons"
