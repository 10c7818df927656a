"""The HTTP side of both authorization servers: reads token requests, applies faults, records the outcome."""

from typing import Protocol
from urllib.parse import parse_qsl

from aiohttp import web

from proxy.sandbox.answers import SandboxAnswer, json_answer, login_page, response, text_answer
from proxy.sandbox.authentication import read_credentials
from proxy.sandbox.body import START, ReceivedBody
from proxy.sandbox.faults import Faults
from proxy.sandbox.grants import GrantDecision, GrantLog, GrantOutcome, TokenRequest
from proxy.sandbox.response_writer import hang_up, reset


class AuthorizationServer(Protocol):
    """Decides how a token request is answered."""

    name: str
    "The prefix of its faults; also its name in the grant log."
    token_path: str

    def decide(self, request: TokenRequest) -> GrantDecision:
        """Grants or refuses a request to the token path."""
        ...

    def refuse_credentials(self, request: TokenRequest) -> SandboxAnswer:
        """Returns the answer to invalid credentials."""
        ...

    def answer_other_path(self, request: TokenRequest) -> SandboxAnswer:
        """Returns the answer to a request for any path but the token path."""
        ...


class AuthorizationServerSite:
    """Serves an authorization server over HTTP."""

    def __init__(self, server: AuthorizationServer, *, faults: Faults, grants: GrantLog) -> None:
        self._server = server
        self._faults = faults
        self._grants = grants

    async def respond(self, request: web.BaseRequest) -> web.StreamResponse:
        """Handles a request of aiohttp's server."""
        body = ReceivedBody()
        await body.read(request.content, limit=START)
        if not body.complete or body.size > START:
            return response(text_answer("Request entity too large", status=413))
        token_request = _read_request(request, body.start)
        if token_request.path != self._server.token_path:
            return response(self._server.answer_other_path(token_request))
        self._grants.begin(token_request)
        server = self._server.name
        await self._faults.delay(server)
        for fault, disconnect in (("drop", hang_up), ("reset", reset)):
            if self._faults.strike(f"{server}.{fault}"):
                self._grants.record(server, token_request, GrantOutcome.DISTURBED)
                return disconnect(request)
        decision = self._apply_fault(token_request) or self._server.decide(token_request)
        self._grants.record(server, token_request, decision.outcome)
        return response(decision.answer)

    def _apply_fault(self, request: TokenRequest) -> GrantDecision | None:
        server = self._server.name
        if self._faults.strike(f"{server}.unauthorized"):
            return GrantDecision(answer=self._server.refuse_credentials(request), outcome=GrantOutcome.DISTURBED)
        for fault in ("too_many_requests", "unavailable", "html", "malformed"):
            if switch := self._faults.strike(f"{server}.{fault}"):
                return GrantDecision(answer=fault_answer(fault, switch.value), outcome=GrantOutcome.DISTURBED)
        return None


def fault_answer(fault: str, value: object) -> SandboxAnswer:
    """Returns a token endpoint's answer under a fault; KeyError for a fault without an answer."""
    after = str(int(value)) if isinstance(value, int | float) else ""
    answers = {
        "too_many_requests": json_answer(
            {"error": "too_many_requests"}, status=429, fields=(("Retry-After", after),) if after else ()
        ),
        "unavailable": text_answer("Service Unavailable", status=503),
        "html": login_page(),
        "malformed": SandboxAnswer(fields=(("Content-Type", "application/json"),), body=b'{"access_token":"eyJhbGciOi'),
    }
    return answers[fault]


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
