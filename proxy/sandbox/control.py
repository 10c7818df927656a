"""The control address: plain HTTP for whoever watches or disturbs the sandbox."""

from collections.abc import Mapping
from typing import Any, Protocol

from aiohttp import web

from proxy.sandbox.csrf import Sessions
from proxy.sandbox.faults import Faults, read_switch
from proxy.sandbox.grants import GrantBook
from proxy.sandbox.messages import MessageLog
from proxy.sandbox.tokens import IssuedTokens
from proxy.wire.local_site import SiteFence, fenced_application


class Controlled(Protocol):
    """What the control address reaches into."""

    faults: Faults
    grants: GrantBook
    messages: MessageLog
    ledger: IssuedTokens
    sessions: Sessions

    def describe(self) -> dict[str, object]:
        """Addresses and OAuth clients, without secrets."""
        ...

    def runs(self) -> dict[str, int]:
        """How often each flow ran."""
        ...

    def close_idle(self) -> int:
        """Close idle connections to the runtime node."""
        ...

    def reset(self) -> None:
        """Begin anew: no faults, messages, grants, tokens, sessions."""
        ...


class Control:
    """The resources of the control address."""

    def __init__(self, tenant: Controlled) -> None:
        self._tenant = tenant

    def application(self) -> web.Application:
        """The aiohttp application."""
        application = fenced_application(SiteFence(), inner=(_explain,))
        application.add_routes(
            [
                web.get("/", self._describe),
                web.get("/messages", self._list_messages),
                web.delete("/messages", self._forget_messages),
                web.get("/faults", self._list_faults),
                web.put("/faults", self._put_faults),
                web.delete("/faults", self._clear_faults),
                web.put("/faults/{name}", self._put_fault),
                web.delete("/faults/{name}", self._delete_fault),
                web.get("/grants", self._list_grants),
                web.get("/runs", self._list_runs),
                web.post("/tokens/expire", self._expire_tokens),
                web.post("/sessions/forget", self._forget_sessions),
                web.post("/connections/close", self._close_idle),
                web.post("/reset", self._reset),
            ]
        )
        return application

    async def _describe(self, _: web.Request) -> web.Response:
        return web.json_response(self._tenant.describe())

    async def _list_messages(self, request: web.Request) -> web.Response:
        last = int(request.query.get("last", "100"))
        messages = [message.as_dict() for message in self._tenant.messages]
        return web.json_response(
            {"total": self._tenant.messages.total, "messages": messages[-last:] if last > 0 else []}
        )

    async def _forget_messages(self, _: web.Request) -> web.Response:
        self._tenant.messages.clear()
        return _done()

    async def _list_faults(self, _: web.Request) -> web.Response:
        return web.json_response(self._tenant.faults.as_dict())

    async def _put_faults(self, request: web.Request) -> web.Response:
        documents = await _read_object(request)
        # All are read before one is switched on: a mistake in the second must not leave the first on.
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

    async def _list_grants(self, _: web.Request) -> web.Response:
        return web.json_response(self._tenant.grants.as_dict())

    async def _list_runs(self, _: web.Request) -> web.Response:
        return web.json_response(self._tenant.runs())

    async def _expire_tokens(self, _: web.Request) -> web.Response:
        self._tenant.ledger.expire_all()
        return _done()

    async def _forget_sessions(self, _: web.Request) -> web.Response:
        self._tenant.sessions.clear()
        return _done()

    async def _close_idle(self, _: web.Request) -> web.Response:
        return web.json_response({"closed": self._tenant.close_idle()})

    async def _reset(self, _: web.Request) -> web.Response:
        self._tenant.reset()
        return _done()


@web.middleware
async def _explain(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        answer: web.StreamResponse = await handler(request)
    except ValueError as error:
        return web.json_response({"error": str(error)}, status=400)
    return answer


async def _read_object(request: web.Request) -> Mapping[str, object]:
    return _as_object(await request.json() if request.can_read_body else {})


def _as_object(document: object) -> Mapping[str, object]:
    if not isinstance(document, dict):
        raise ValueError(f"an object is expected, not {type(document).__name__}")  # noqa: TRY004 (the caller's, not ours)
    return document


def _done() -> web.Response:
    return web.Response(status=204)
