"""What both authorization servers have in common on the wire: reading a token request, faults, and the book."""

from typing import Protocol
from urllib.parse import parse_qsl

from aiohttp import web

from proxy.sandbox.answers import SandboxAnswer, json_answer, response, text_answer
from proxy.sandbox.body import START, Body
from proxy.sandbox.disconnect import hang_up, reset
from proxy.sandbox.faults import Faults
from proxy.sandbox.grants import GrantBook, GrantDecision, GrantOutcome, TokenRequest
from proxy.sandbox.pages import login_page
from proxy.sandbox.registration import read_credentials


class AuthorizationServer(Protocol):
    """Decides what a token request gets."""

    place: str
    "Name of the server in faults and in the book."
    token_path: str

    def decide(self, request: TokenRequest) -> GrantDecision:
        """Grant or refuse a request to the token path."""
        ...

    def refuse_credentials(self, request: TokenRequest) -> SandboxAnswer:
        """The answer to credentials that are wrong."""
        ...

    def elsewhere(self, request: TokenRequest) -> SandboxAnswer:
        """The answer to a request for any other path."""
        ...


class AuthorizationServerSite:
    """An authorization server on a socket."""

    def __init__(self, server: AuthorizationServer, *, faults: Faults, grants: GrantBook) -> None:
        self._server = server
        self._faults = faults
        self._grants = grants

    async def respond(self, request: web.BaseRequest) -> web.StreamResponse:
        """The handler for aiohttp's server."""
        body = Body()
        await body.read(request.content, limit=START)
        if not body.complete or body.size > START:
            return response(text_answer("Request entity too large", status=413))
        token_request = _read_request(request, body.start)
        if token_request.path != self._server.token_path:
            return response(self._server.elsewhere(token_request))
        self._grants.begin(token_request)
        place = self._server.place
        await self._faults.delay(place)
        for name, disconnect in (("drop", hang_up), ("reset", reset)):
            if self._faults.strike(f"{place}.{name}"):
                self._grants.enter(place, token_request, GrantOutcome.DISTURBED)
                return disconnect(request)
        verdict = self._disturb(token_request) or self._server.decide(token_request)
        self._grants.enter(place, token_request, verdict.outcome)
        return response(verdict.answer)

    def _disturb(self, request: TokenRequest) -> GrantDecision | None:
        place = self._server.place
        if self._faults.strike(f"{place}.unauthorized"):
            return GrantDecision(answer=self._server.refuse_credentials(request), outcome=GrantOutcome.DISTURBED)
        for name in ("too_many_requests", "unavailable", "html", "malformed"):
            if switch := self._faults.strike(f"{place}.{name}"):
                return GrantDecision(answer=fault_answer(name, switch.value), outcome=GrantOutcome.DISTURBED)
        return None


def fault_answer(name: str, value: object) -> SandboxAnswer:
    """What a token endpoint answers under a fault; KeyError for one that is no answer."""
    after = str(int(value)) if isinstance(value, int | float) else ""
    answers = {
        "too_many_requests": json_answer(
            {"error": "too_many_requests"}, status=429, fields=(("Retry-After", after),) if after else ()
        ),
        "unavailable": text_answer("Service Unavailable", status=503),
        "html": login_page(),
        "malformed": SandboxAnswer(fields=(("Content-Type", "application/json"),), body=b'{"access_token":"eyJhbGciOi'),
    }
    return answers[name]


def _read_request(request: web.BaseRequest, body: bytes) -> TokenRequest:
    path, _, query = request.raw_path.partition("?")
    form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    in_query = dict(parse_qsl(query, keep_blank_values=True))
    encoded = request.headers.get("X-CF-ENCODED-CREDENTIALS", "").lower() == "true"
    return TokenRequest(
        method=request.method,
        path=path,
        parameters={**in_query, **form},
        params_in="both" if form and in_query else "query" if in_query else "body",
        credentials=read_credentials(request.headers.get("Authorization"), {**in_query, **form}, encoded=encoded),
        certificate_name=_certificate_name(request),
    )


def _certificate_name(request: web.BaseRequest) -> str | None:
    certificate = request.get_extra_info("peercert") or {}
    names = [value for pair in certificate.get("subject", ()) for key, value in pair if key == "commonName"]
    return names[0] if names else None
