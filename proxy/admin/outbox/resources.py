"""The resources below `/outbox`. All of them need the admin token."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from proxy.admin.connection import begin_stream
from proxy.admin.outbox.documents import details_document, message_document, route_document
from proxy.admin.outbox.overview import overview
from proxy.admin.outbox.problems import UnknownRoute, answered
from proxy.admin.outbox.query import parse_query
from proxy.admin.state import ObservedProxy
from proxy.config.model import Address
from proxy.errors import OutboxUnavailable
from proxy.outbox.message import MessageSummary, RouteSummary, StoredBody
from proxy.outbox.message_ids import is_message_id
from proxy.outbox.store import MessageUnknown, OutboxStore

MESSAGE = "/outbox/messages/{id}"
ROUTE = "/outbox/routes/{route}"


class OutboxResources:
    """Shows the messages, and does and logs what a person decides about them."""

    def __init__(self, proxy: ObservedProxy, address: Callable[[], Address]) -> None:
        """`address` is the admin address, which the log names."""
        self._proxy, self._address = proxy, address
        self._log = proxy.log.logger
        self._deciding: set[asyncio.Future[web.StreamResponse]] = set()

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Adds the resources."""
        router.add_get("/outbox", answered(self._overview))
        router.add_get("/outbox/messages", answered(self._list))
        router.add_get(MESSAGE, answered(self._details))
        router.add_get(f"{MESSAGE}/body", answered(self._body))
        router.add_post(f"{MESSAGE}/retry", answered(self._decided(self._retry)))
        router.add_delete(MESSAGE, answered(self._decided(self._discard)))
        router.add_post(f"{ROUTE}/hold", answered(self._decided(self._hold)))
        router.add_post(f"{ROUTE}/resume", answered(self._decided(self._resume)))

    def _decided(self, handler: Handler) -> Handler:
        """Returns the handler so that it goes on if its client leaves: what the store does is logged."""

        async def deciding(request: web.Request) -> web.StreamResponse:
            task = asyncio.ensure_future(handler(request))
            self._deciding.add(task)
            task.add_done_callback(self._deciding.discard)
            return await asyncio.shield(task)

        return deciding

    async def _overview(self, _request: web.Request) -> web.Response:
        return document({"routes": [route_document(each) for each in await overview(self._proxy)]})

    async def _list(self, request: web.Request) -> web.Response:
        asked = parse_query(request.query.items())
        store = self._proxy.outboxes.store_if_any()
        found: list[MessageSummary] = []
        if store is not None:
            limit = asked.limit + 1  # whether there is more
            found += await store.messages(route=asked.route, state=asked.state, limit=limit, after=asked.after)
        shown = found[: asked.limit]
        following = shown[-1].position if len(found) > len(shown) else None
        return document({"messages": [message_document(each) for each in shown], "next": following})

    async def _details(self, request: web.Request) -> web.Response:
        return document(details_document(await self._store(request).message(_id(request))))

    async def _body(self, request: web.Request) -> web.StreamResponse:
        """Sends the body in pieces, of which one at a time is in memory. One that cannot be read on is cut."""
        id_ = _id(request)
        body = await self._store(request).body(id_)
        pieces = pieces_of(body)
        first = await anext(pieces, b"")
        answer = web.StreamResponse(headers={"Content-Disposition": f'attachment; filename="{id_}.bin"'})
        answer.content_type = "application/octet-stream"
        answer.content_length = len(body) if isinstance(body, bytes) else body.size
        begin_stream(request)
        await answer.prepare(request)
        if request.method == "HEAD":
            return answer
        await answer.write(first)
        try:
            async for piece in pieces:
                await answer.write(piece)
        except OutboxUnavailable:
            if request.transport is not None:
                request.transport.abort()
            return answer
        await answer.write_eof()
        return answer

    async def _retry(self, request: web.Request) -> web.Response:
        message = await self._store(request).retry(_id(request), self._proxy.wall())
        self._log.info(
            "message.retried", route=message.route, id=message.id, attempts=message.attempts, admin=self._admin
        )
        self._proxy.outboxes.probe_now(message.route)
        self._proxy.outboxes.tell(message.route)
        return document(message_document(message))

    async def _discard(self, request: web.Request) -> web.Response:
        message = await self._store(request).discard(_id(request))
        self._log.info(
            "message.discarded",
            route=message.route,
            id=message.id,
            state=message.state.value,
            code=message.code,
            admin=self._admin,
        )
        self._proxy.outboxes.tell(message.route)
        return document(message_document(message))

    async def _hold(self, request: web.Request) -> web.Response:
        store, route = await self._known_route(request)
        await store.hold(route.route)
        self._log.info("outbox.held", route=route.route, admin=self._admin)
        self._proxy.outboxes.tell(route.route)
        return await self._route(route.route)

    async def _resume(self, request: web.Request) -> web.Response:
        store, route = await self._known_route(request)
        await store.resume(route.route)
        self._log.info("outbox.resumed", route=route.route, admin=self._admin)
        self._proxy.outboxes.probe_now(route.route)
        self._proxy.outboxes.tell(route.route)
        return await self._route(route.route)

    async def _route(self, name: str) -> web.Response:
        """Answers with the numbers of a route; one that has gone, and keeps nothing, has none any more."""
        found = [each for each in await overview(self._proxy) if each.route == name]
        return document(route_document(found[0]) if found else {"route": name})

    async def _known_route(self, request: web.Request) -> tuple[OutboxStore, RouteSummary]:
        name = request.match_info["route"]
        found = [each for each in await overview(self._proxy) if each.route == name]
        store = self._proxy.outboxes.store_if_any()
        if not found or store is None:
            raise UnknownRoute(name)
        return store, found[0]

    def _store(self, request: web.Request) -> OutboxStore:
        """Returns the store. Raises MessageUnknown if there is none, because then there are no messages."""
        store = self._proxy.outboxes.store_if_any()
        if store is None:
            raise MessageUnknown(request.match_info["id"], why="no route has an outbox")
        return store

    @property
    def _admin(self) -> str:
        """What the log says of who it was."""
        return str(self._address())


def _id(request: web.Request) -> str:
    """Returns the id in the path. Raises MessageUnknown for what can be none, for which a store may have no answer."""
    id_ = request.match_info["id"]
    if not is_message_id(id_):
        raise MessageUnknown("with this id", why="ids have 32 hexadecimal digits")
    return id_


def document(content: Any) -> web.Response:
    """Returns an answer in JSON."""
    return web.Response(body=json.dumps(content).encode() + b"\n", content_type="application/json")


async def pieces_of(body: bytes | StoredBody) -> AsyncIterator[bytes]:
    """Yields the pieces of a body. Raises OutboxUnavailable if it cannot be read to its end."""
    if isinstance(body, bytes):
        yield body
        return
    at = 0
    while at < body.size:
        piece = await body.read(at)
        if not piece:
            raise OutboxUnavailable("The body of the message was cut.", retry_after=1)
        yield piece
        at += len(piece)
