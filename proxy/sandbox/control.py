"""The control address: shows what the sandbox recorded and switches its faults, over plain HTTP."""

import json
from collections.abc import Mapping
from typing import Any, Protocol

from aiohttp import hdrs, web

from proxy.sandbox.csrf import HttpSessions
from proxy.sandbox.faults import Faults, read_switch
from proxy.sandbox.grants import GrantLog
from proxy.sandbox.recorder import MessageLog
from proxy.sandbox.tokens import IssuedTokens
from proxy.wire.local_site import SiteFence, fenced_application


class Controlled(Protocol):
    """The parts of the tenant that the control address uses."""

    faults: Faults
    grants: GrantLog
    messages: MessageLog
    tokens: IssuedTokens
    sessions: HttpSessions

    def describe(self) -> dict[str, object]:
        """Returns addresses and OAuth clients, without secrets."""
        ...

    def runs(self) -> dict[str, int]:
        """Returns how often each flow ran."""
        ...

    def close_idle(self) -> int:
        """Closes idle connections to the runtime node; returns their number."""
        ...

    def reset(self) -> None:
        """Deletes faults, messages, grants, tokens and sessions."""
        ...


class Control:
    """The resources of the control address."""

    def __init__(self, tenant: Controlled) -> None:
        self._tenant = tenant

    def application(self) -> web.Application:
        """Returns the aiohttp application."""
        application = fenced_application(SiteFence(), inner=(_explain,))
        application.add_routes(
            [
                web.get("/", self._describe),
                web.get("/messages", self._list_messages),
                web.delete("/messages", self._clear_messages),
                web.get("/faults", self._list_faults),
                web.put("/faults", self._put_faults),
                web.delete("/faults", self._clear_faults),
                web.put("/faults/{name}", self._put_fault),
                web.delete("/faults/{name}", self._delete_fault),
                web.get("/grants", self._list_grants),
                web.get("/runs", self._list_runs),
                web.post("/tokens/expire", self._revoke_tokens),
                web.post("/sessions/forget", self._clear_sessions),
                web.post("/connections/close", self._close_idle),
                web.post("/reset", self._reset),
            ]
        )
        return application

    async def _describe(self, request: web.Request) -> web.Response:
        return _document(request, self._tenant.describe())

    async def _list_messages(self, request: web.Request) -> web.Response:
        last = int(request.query.get("last", "100"))
        messages = [message.as_dict() for message in self._tenant.messages]
        return _document(
            request, {"total": self._tenant.messages.total, "messages": messages[-last:] if last > 0 else []}
        )

    async def _clear_messages(self, _: web.Request) -> web.Response:
        self._tenant.messages.clear()
        return _done()

    async def _list_faults(self, request: web.Request) -> web.Response:
        return _document(request, self._tenant.faults.as_dict())

    async def _put_faults(self, request: web.Request) -> web.Response:
        documents = await _read_object(request)
        # All are read before the first is switched on, so that an invalid one leaves all of them off.
        switches = [read_switch(name, _as_object(document)) for name, document in documents.items()]
        for switch in switches:
            self._tenant.faults.put(switch)
        return _done()

    async def _clear_faults(self, _: web.Request) -> web.Response:
        self._tenant.faults.clear()
        return _done()

    async def _put_fault(self, request: web.Request) -> web.Response:
        self._tenant.faults.put(read_switch(request.match_info["name"], await _read_object(request)))
        return _done()

    async def _delete_fault(self, request: web.Request) -> web.Response:
        self._tenant.faults.switch_off(request.match_info["name"])
        return _done()

    async def _list_grants(self, request: web.Request) -> web.Response:
        return _document(request, self._tenant.grants.as_dict())

    async def _list_runs(self, request: web.Request) -> web.Response:
        return _document(request, self._tenant.runs())

    async def _revoke_tokens(self, _: web.Request) -> web.Response:
        self._tenant.tokens.revoke_all()
        return _done()

    async def _clear_sessions(self, _: web.Request) -> web.Response:
        self._tenant.sessions.clear()
        return _done()

    async def _close_idle(self, request: web.Request) -> web.Response:
        return _document(request, {"closed": self._tenant.close_idle()})

    async def _reset(self, _: web.Request) -> web.Response:
        self._tenant.reset()
        return _done()


@web.middleware
async def _explain(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        answer: web.StreamResponse = await handler(request)
    except ValueError as error:
        return _document(request, {"error": str(error)}, status=400)
    return answer


async def _read_object(request: web.Request) -> Mapping[str, object]:
    return _as_object(await request.json() if request.can_read_body else {})


def _as_object(document: object) -> Mapping[str, object]:
    if not isinstance(document, dict):
        raise ValueError(f"an object was expected, not {type(document).__name__}")  # noqa: TRY004 (the client's mistake, not ours)
    return document


def _document(request: web.Request, document: Mapping[str, object], *, status: int = 200) -> web.Response:
    # A program asks for JSON; curl and browsers do not, so people read it.
    compact = "json" in request.headers.get(hdrs.ACCEPT, "")
    text = json.dumps(document) if compact else json.dumps(document, indent=2) + "\n"
    return web.json_response(text=text, status=status)


def _done() -> web.Response:
    return web.Response(status=204)
