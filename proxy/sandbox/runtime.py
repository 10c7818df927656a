"""The runtime node: receives messages for the integration flows that are deployed on it."""

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import hdrs, web
from aiohttp.http import HttpVersion11
from aiohttp.web_protocol import RequestHandler

from proxy.clock import Clock
from proxy.sandbox import csrf
from proxy.sandbox.admission import Admission, Caller, admit
from proxy.sandbox.answers import (
    SandboxAnswer,
    failed,
    fetched,
    refusal,
    response,
    router_page,
    success_fields,
    tomcat_page,
)
from proxy.sandbox.body import START, ReceivedBody, swallow
from proxy.sandbox.faults import Faults
from proxy.sandbox.flows import FlowFailure, IntegrationFlow, Received, Reply, make_mpl_id
from proxy.sandbox.recorder import EventCounter, MessageLog, RecordedMessage
from proxy.sandbox.response_writer import hang_up, reset, respond, send
from proxy.sandbox.tokens import IssuedTokens

Disconnect = Callable[[web.BaseRequest], web.Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedRequest:
    """A request, what was found out about it, and its body."""

    request: web.BaseRequest
    body: ReceivedBody
    admission: Admission
    flow: IntegrationFlow | None
    session: csrf.HttpSession | None
    oauth_client: str | None


class RuntimeNode:
    """Serves the addresses below `/http`, the upstream of the proxy."""

    def __init__(
        self, *, tokens: IssuedTokens, sessions: csrf.HttpSessions, faults: Faults, messages: MessageLog, clock: Clock
    ) -> None:
        self._tokens = tokens
        self._sessions = sessions
        self._faults = faults
        self._messages = messages
        self._clock = clock
        self._busy: set[RequestHandler] = set()
        self.runs = EventCounter()
        "How often each flow ran, by its address."

    async def respond(self, request: web.BaseRequest) -> web.StreamResponse:
        """Handles a request of aiohttp's server."""
        if request.method == hdrs.METH_OPTIONS and request.raw_path == "*":
            return await send(request, response(self._whole_server(request)))
        served = self._examine(request)
        self._busy.add(request.protocol)
        try:
            return await self._serve(served)
        finally:
            await served.body.close()
            self._busy.discard(request.protocol)

    def close_idle(self, server: web.Server) -> int:
        """Closes the idle connections, as a load balancer does after a minute; returns their number."""
        idle = [connection for connection in server.connections if connection not in self._busy]
        for connection in idle:
            connection.force_close()
        return len(idle)

    async def _serve(self, served: ServedRequest) -> web.StreamResponse:
        request = served.request
        disconnect, moment = self._planned_disconnect()
        if moment == "before":
            return self._disconnect(served, disconnect)
        if (answer := self._refuse(served)) is not None:
            return await self._send_refusal(served, answer)
        await _continue(request)
        limit = served.flow.max_body if served.flow else START
        await served.body.read(request.content, limit=limit)
        if served.body.size > limit:
            return await self._send_refusal(served, refusal(Admission.TOO_LARGE))
        if moment == "after" or not served.body.complete:
            return self._disconnect(served, disconnect)
        await self._faults.delay("runtime")
        return await self._answer(served)

    def _examine(self, request: web.BaseRequest) -> ServedRequest:
        if self._faults.strike("runtime.expire_tokens"):
            self._tokens.revoke_all()
        if self._faults.strike("runtime.csrf_session_lost"):
            self._sessions.clear()
        scheme, _, value = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        bearer = value.strip() if scheme.lower() == "bearer" else ""
        session = self._sessions.find(request.headers.getall(hdrs.COOKIE, ()))
        caller = Caller(
            method=request.method,
            path=request.raw_path.partition("?")[0],
            token=self._tokens.find(bearer, now=self._clock.wall()),
            csrf_token=request.headers.get(csrf.FIELD),
            session=session,
            content_length=request.content_length,
        )
        admission, flow = admit(caller, csrf_first=self._faults.strike("runtime.csrf_first") is not None)
        body = ReceivedBody(keep=flow is not None and flow.echoes)
        owner = self._tokens.owner(bearer)
        return ServedRequest(
            request=request, body=body, admission=admission, flow=flow, session=session, oauth_client=owner
        )

    def _whole_server(self, request: web.BaseRequest) -> SandboxAnswer:
        """Answers `OPTIONS *`, which concerns the whole server and is not a message (RFC 9110 §9.3.7)."""
        if switch := self._faults.strike("runtime.router_error"):
            return router_page(str(switch.value), host=request.host)
        return SandboxAnswer(fields=(("Allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS"),))

    def _planned_disconnect(self) -> tuple[Disconnect, str | None]:
        for name, disconnect in (("drop", hang_up), ("reset", reset)):
            if switch := self._faults.strike(f"runtime.{name}"):
                return disconnect, str(switch.value)
        return hang_up, None

    def _refuse(self, served: ServedRequest) -> SandboxAnswer | None:
        if switch := self._faults.strike("runtime.router_error"):
            return router_page(str(switch.value), host=served.request.host)
        if self._faults.strike("runtime.unavailable"):
            return tomcat_page(503)
        if served.request.method == hdrs.METH_HEAD and self._faults.strike("runtime.head_refused"):
            return refusal(Admission.METHOD_REFUSED)
        for name, admission in _FORCED.items():
            if self._faults.strike(f"runtime.{name}"):
                return refusal(admission)
        if served.admission is Admission.CSRF_REQUIRED:
            return refusal(
                served.admission, cookies=self._sessions.open().set_cookie_fields() if not served.session else ()
            )
        return None if served.admission in {Admission.RUN, Admission.FETCH} else refusal(served.admission)

    async def _send_refusal(self, served: ServedRequest, answer: SandboxAnswer) -> web.StreamResponse:
        # A short body is read first, so that the record has all of it. Like Tomcat, this answers at once if the body
        # is long or the client waits for 100 Continue (RFC 9110 §10.1.1).
        request, expected = served.request, _expects_continue(served.request)
        if not expected and answer.status != 413:
            await served.body.read(request.content, limit=START)
        await self._faults.delay("runtime")
        self._record(served, status=answer.status)
        refused = response(answer)
        if not served.body.complete:
            refused.force_close()
        await send(request, refused)
        if not served.body.complete and not expected:
            await swallow(request.content)
        return refused

    async def _answer(self, served: ServedRequest) -> web.StreamResponse:
        if served.flow is None or served.admission is Admission.FETCH:
            session = served.session or self._sessions.open()
            self._record(served, status=200)
            cookies = () if served.session else session.set_cookie_fields()
            return await send(served.request, response(fetched(session, cookies=cookies)))
        return await self._run(served, served.flow)

    async def _run(self, served: ServedRequest, flow: IntegrationFlow) -> web.StreamResponse:
        request, mpl_id = served.request, make_mpl_id()
        self.runs.add(flow.address)
        received = Received(
            query=request.query_string,
            content_type=request.headers.get(hdrs.CONTENT_TYPE, "application/octet-stream"),
            start=served.body.start,
        )
        reply: Reply | FlowFailure = flow.run(received)
        if self._faults.strike("runtime.flow_failed"):
            reply = FlowFailure()
        if isinstance(reply, FlowFailure):
            self._record(served, status=500, mpl_id=mpl_id)
            return await send(request, response(failed(reply, mpl_id=mpl_id)))
        switch = self._faults.strike("runtime.flow_status")
        status = int(switch.value or 0) if switch is not None else 200
        self._record(served, status=status, mpl_id=mpl_id)
        fields = success_fields(mpl_id, correlation_only=self._faults.strike("runtime.correlation_only") is not None)
        cut = self._faults.strike("runtime.truncate") is not None
        return await respond(request, reply, served.body, status=status, fields=fields, cut=cut)

    def _disconnect(self, served: ServedRequest, disconnect: Disconnect) -> web.StreamResponse:
        self._record(served, status=None)
        return disconnect(served.request)

    def _record(self, served: ServedRequest, *, status: int | None, mpl_id: str | None = None) -> None:
        request, body = served.request, served.body
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
                oauth_client=served.oauth_client,
                status=status,
                mpl_id=mpl_id,
                at=self._clock.wall(),
            )
        )


_FORCED = {
    "too_large": Admission.TOO_LARGE,
    "unauthorized": Admission.TOKEN_MISSING,
    "role_missing": Admission.ROLE_MISSING,
}
"Faults that refuse a valid request."


def _expects_continue(request: web.BaseRequest) -> bool:
    return request.version >= HttpVersion11 and request.headers.get(hdrs.EXPECT, "").lower() == "100-continue"


async def _continue(request: web.BaseRequest) -> None:
    if _expects_continue(request):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
