"""A proxy with an outbox, in front of a scripted upstream, and what its tests ask of it."""

import json
from pathlib import Path
from typing import Any

from proxy.outbox.message import MessageDetails, MessageState, MessageSummary, RouteSummary
from proxy.outbox.store import OutboxStore
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import Answer, Sender, request
from tests.fakes.upstream import Upstream
from tests.flow.running import Document, Running, document, turns

KEY = "a" * 43 + "="
"Of the store, in base64."


def outbox_document(
    upstream: Upstream | str, authority: AuthorizationServer | str, folder: Path, *, route: Any = None, **outbox: Any
) -> Document:
    """One route, `/orders`, with an outbox; its store is in the folder."""
    found = document(upstream, authority, outbox={"retries": ["10s", "20s"], **outbox}, **(route or {}))
    return found | {"store": {"path": str(folder / "store")}}


def posted(body: bytes = b"<order/>", *fields: bytes, start: bytes = b"POST /orders") -> bytes:
    """A message."""
    return request(start, b"Content-Type: application/xml", *fields, body=body)


async def accepted(sender: Sender | Running, octets: bytes | None = None) -> str:
    """Send a message; its id."""
    answer = await sender.ask(posted() if octets is None else octets)
    assert answer.status == 202, answer
    return id_of(answer)


async def delivered(proxy: Running, count: int = 1) -> list[dict[str, Any]]:
    """The log lines of deliveries, when there are so many."""
    return await proxy.lines.reach("message.delivered", count)


async def deferred(proxy: Running, count: int = 1) -> list[dict[str, Any]]:
    """Those of deferrals."""
    return await proxy.lines.reach("message.deferred", count)


async def died(proxy: Running, count: int = 1) -> list[dict[str, Any]]:
    """Those of dead letters."""
    return await proxy.lines.reach("message.died", count)


def id_of(answer: Answer) -> str:
    """The id in head and content."""
    (told,) = answer.field(b"Outbox-Id")
    assert not answer.body or json.loads(answer.body)["id"] == told.decode()
    return told.decode()


def store_of(proxy: Running) -> OutboxStore:
    """The store of a running proxy."""
    return proxy.app._resources.outboxes.store()


async def summary(proxy: Running) -> RouteSummary | None:
    """The numbers of the route, if it has any."""
    return next((each for each in await store_of(proxy).routes() if each.route == "orders"), None)


async def kept(proxy: Running, state: MessageState | None = None) -> list[MessageSummary]:
    """All messages."""
    return list(await store_of(proxy).messages(route=None, state=state, limit=1000, after=None))


async def details(proxy: Running, message_id: str) -> MessageDetails:
    """All about one message."""
    return await store_of(proxy).message(message_id)


async def settled(proxy: Running) -> None:
    """Let all happen that can happen now."""
    for _ in range(10):
        await store_of(proxy).routes()
        await turns(20)
