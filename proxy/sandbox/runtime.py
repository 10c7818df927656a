"""The runtime node: takes messages for the integration flows that are deployed on it."""

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import hdrs, web
from aiohttp.http import HttpVersion11
from aiohttp.web_protocol import RequestHandler

from proxy.clock import Clock
from proxy.sandbox import csrf
from proxy.sandbox.admission import Caller, Check, admit
from proxy.sandbox.answers import SandboxAnswer, response
from proxy.sandbox.body import START, Body, swallow
from proxy.sandbox.delivery import deliver, send
from proxy.sandbox.disconnect import hang_up, reset
from proxy.sandbox.faults import Faults
from proxy.sandbox.flows import FlowFailure, IntegrationFlow, Received, Reply, failed, make_mpl_id, success_fields
from proxy.sandbox.messages import MessageLog, RecordedMessage
from proxy.sandbox.pages import router_page, tomcat_page
from proxy.sandbox.refusals import fetched, refusal
from proxy.sandbox.tally import Tally
from proxy.sandbox.tokens import IssuedTokens

Disconnect = Callable[[web.BaseRequest], web.Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request while it is being served."""

    request: web.BaseRequest
    body: Body
    check: Check
    flow: IntegrationFlow | None
    session: csrf.Session | None
    oauth_client: str | None


class RuntimeNode:
    """Serves what the proxy calls the upstream."""

    def __init__(
        self, *, ledger: IssuedTokens, sessions: csrf.Sessions, faults: Faults, messages: MessageLog, clock: Clock
    ) -> None:
        self._ledger = ledger
        self._sessions = sessions
        self._faults = faults
        self._messages = messages
        self._clock = clock
        self._busy: set[RequestHandler] = set()
        self.runs = Tally()
        "How often each flow ran, by its address."

    async def respond(self, request: web.BaseRequest) -> web.StreamResponse:
        """The handler for aiohttp's server."""
        if request.method == hdrs.METH_OPTIONS and request.raw_path == "*":
            return await send(request, response(self._whole_server(request)))
        visit = self._look(request)
        self._busy.add(request.protocol)
        try:
            return await self._serve(visit)
        finally:
            await visit.body.close()
            self._busy.discard(request.protocol)

    def close_idle(self, server: web.Server) -> int:
        """Close the connections that wait for a request, as a load balancer does after a minute; says how many."""
        idle = [connection for connection in server.connections if connection not in self._busy]
        for connection in idle:
            connection.force_close()
        return len(idle)

    async def _serve(self, visit: Visit) -> web.StreamResponse:
        request = visit.request
        disconnect, moment = self._choose_end()
        if moment == "before":
            return self._break(visit, disconnect)
        if (answer := self._refuse(visit)) is not None:
            return await self._turn_away(visit, answer)
        await _continue(request)
        limit = visit.flow.max_body if visit.flow else START
        await visit.body.read(request.content, limit=limit)
        if visit.body.size > limit:
            return await self._turn_away(visit, refusal(Check.TOO_LARGE))
        if moment == "after" or not visit.body.complete:
            return self._break(visit, disconnect)
        await self._faults.delay("runtime")
        return await self._answer(visit)

    def _look(self, request: web.BaseRequest) -> Visit:
        if self._faults.strike("runtime.expire_tokens"):
            self._ledger.expire_all()
        if self._faults.strike("runtime.csrf_session_lost"):
            self._sessions.clear()
        scheme, _, value = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        bearer = value.strip() if scheme.lower() == "bearer" else ""
        session = self._sessions.find(request.headers.getall(hdrs.COOKIE, ()))
        caller = Caller(
            method=request.method,
            path=request.raw_path.partition("?")[0],
            token=self._ledger.find(bearer, now=self._clock.wall()),
            csrf_token=request.headers.get(csrf.FIELD),
            session=session,
            content_length=request.content_length,
        )
        check, flow = admit(caller, csrf_first=self._faults.strike("runtime.csrf_first") is not None)
        body = Body(keep=flow is not None and flow.echoes)
        owner = self._ledger.owner(bearer)
        return Visit(request=request, body=body, check=check, flow=flow, session=session, oauth_client=owner)

    def _whole_server(self, request: web.BaseRequest) -> SandboxAnswer:
        """What Tomcat says of itself, behind gorouter; that is no message (RFC 9110 §9.3.7)."""
        if switch := self._faults.strike("runtime.router_error"):
            return router_page(str(switch.value), host=request.host)
        return SandboxAnswer(fields=(("Allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS"),))

    def _choose_end(self) -> tuple[Disconnect, str | None]:
        for name, disconnect in (("drop", hang_up), ("reset", reset)):
            if switch := self._faults.strike(f"runtime.{name}"):
                return disconnect, str(switch.value)
        return hang_up, None

    def _refuse(self, visit: Visit) -> SandboxAnswer | None:
        if switch := self._faults.strike("runtime.router_error"):
            return router_page(str(switch.value), host=visit.request.host)
        if self._faults.strike("runtime.unavailable"):
            return tomcat_page(503)
        if visit.request.method == hdrs.METH_HEAD and self._faults.strike("runtime.head_refused"):
            return refusal(Check.METHOD_REFUSED)
        for name, check in _FORCED.items():
            if self._faults.strike(f"runtime.{name}"):
                return refusal(check)
        if visit.check is Check.CSRF_REQUIRED:
            return refusal(visit.check, cookies=self._sessions.open().set_cookie_fields() if not visit.session else ())
        return None if visit.check in {Check.RUN, Check.FETCH} else refusal(visit.check)

    async def _turn_away(self, visit: Visit, answer: SandboxAnswer) -> web.StreamResponse:
        # A short body is read first, so that it is on record whole; a long one, and one that waits for leave
        # (RFC 9110 §10.1.1), is answered at once, as Tomcat does.
        request, expected = visit.request, _expects_continue(visit.request)
        if not expected and answer.status != 413:
            await visit.body.read(request.content, limit=START)
        await self._faults.delay("runtime")
        self._record(visit, status=answer.status)
        refused = response(answer)
        if not visit.body.complete:
            refused.force_close()
        await send(request, refused)
        if not visit.body.complete and not expected:
            await swallow(request.content)
        return refused

    async def _answer(self, visit: Visit) -> web.StreamResponse:
        if visit.flow is None or visit.check is Check.FETCH:
            session = visit.session or self._sessions.open()
            self._record(visit, status=200)
            cookies = () if visit.session else session.set_cookie_fields()
            return await send(visit.request, response(fetched(session, cookies=cookies)))
        return await self._run(visit, visit.flow)

    async def _run(self, visit: Visit, flow: IntegrationFlow) -> web.StreamResponse:
        request, mpl_id = visit.request, make_mpl_id()
        self.runs.add(flow.address)
        received = Received(
            query=request.query_string,
            content_type=request.headers.get(hdrs.CONTENT_TYPE, "application/octet-stream"),
            start=visit.body.start,
        )
        reply: Reply | FlowFailure = flow.run(received)
        if self._faults.strike("runtime.flow_failed"):
            reply = FlowFailure()
        if isinstance(reply, FlowFailure):
            self._record(visit, status=500, mpl_id=mpl_id)
            return await send(request, response(failed(reply, mpl_id=mpl_id)))
        switch = self._faults.strike("runtime.flow_status")
        status = int(switch.value or 0) if switch is not None else 200
        self._record(visit, status=status, mpl_id=mpl_id)
        fields = success_fields(mpl_id, correlation_only=self._faults.strike("runtime.correlation_only") is not None)
        cut = self._faults.strike("runtime.truncate") is not None
        return await deliver(request, reply, visit.body, status=status, fields=fields, cut=cut)

    def _break(self, visit: Visit, disconnect: Disconnect) -> web.StreamResponse:
        self._record(visit, status=None)
        return disconnect(visit.request)

    def _record(self, visit: Visit, *, status: int | None, mpl_id: str | None = None) -> None:
        request, body = visit.request, visit.body
        self._messages.record(
            RecordedMessage(
                method=request.method,
                target=request.raw_path.encode("utf-8", "surrogateescape").decode("latin-1"),
                version=f"HTTP/{request.version.major}.{request.version.minor}",
                fields=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.raw_headers),
                body_sha256=body.sha256,
                body_size=body.size,
                body_start=body.start,
                complete=body.complete,
                oauth_client=visit.oauth_client,
                status=status,
                mpl_id=mpl_id,
            )
        )


_FORCED = {
    "too_large": Check.TOO_LARGE,
    "unauthorized": Check.TOKEN_MISSING,
    "role_missing": Check.ROLE_MISSING,
}
"Faults that turn away a request which would have passed."


def _expects_continue(request: web.BaseRequest) -> bool:
    return request.version >= HttpVersion11 and request.headers.get(hdrs.EXPECT, "").lower() == "100-continue"


async def _continue(request: web.BaseRequest) -> None:
    if _expects_continue(request):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
