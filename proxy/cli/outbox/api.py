"""The outbox of the running proxy, by the admin API of docs/outbox.md."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, urlencode

from aiohttp import ClientResponse, ClientSession

from proxy.cli.running_proxy import running_proxy
from proxy.config.model import Configuration
from proxy.store.place import store_folder

JsonObject = dict[str, Any]
PAGE = 500
"Messages that are asked for at a time."


class Refused(Exception):
    """The proxy did not do it; the text says why."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.code = status, code


class OutboxApi:
    """Each method raises Refused if the proxy does not do it."""

    def __init__(self, session: ClientSession) -> None:
        self._session = session

    async def routes(self) -> list[JsonObject]:
        """Returns the outboxes by route; `gone` are those that the proxy has no route for any more."""
        found = (await self._ask("GET", "/outbox"))["routes"]
        present = {each["name"] for each in (await self._ask("GET", "/status"))["routes"]}
        return [each | {"gone": each["route"] not in present} for each in found]

    async def check_route(self, route: str | None) -> None:
        """Raises Refused if there is no outbox of this route."""
        names = [each["route"] for each in await self.routes()]
        if route is not None and route not in names:
            there = f"the outboxes are {', '.join(names)}" if names else "no route has one"
            raise Refused(404, "route_unknown", f"There is no outbox of route {route}; {there}.")

    async def messages(
        self, *, route: str | None, state: str | None, limit: int | None
    ) -> tuple[list[JsonObject], bool]:
        """Returns the first messages, and whether there are more; all without a limit."""
        found: list[JsonObject] = []
        after = ""
        while True:
            size = PAGE if limit is None else min(PAGE, limit - len(found))
            query = {"route": route, "state": state, "limit": size, "after": after}
            page = await self._ask("GET", f"/outbox/messages?{urlencode({k: v for k, v in query.items() if v})}")
            found += page["messages"]
            after = page["next"]
            if after is None or len(found) == limit:
                return found, after is not None

    async def message(self, id_: str) -> JsonObject:
        """Returns one message."""
        return await self._ask("GET", _message(id_))

    async def retry(self, id_: str) -> JsonObject:
        """Makes a message due now."""
        return await self._ask("POST", f"{_message(id_)}/retry")

    async def discard(self, id_: str) -> JsonObject:
        """Removes a message."""
        return await self._ask("DELETE", _message(id_))

    async def hold(self, route: str) -> JsonObject:
        """Stops the delivery of a route."""
        return await self._ask("POST", f"/outbox/routes/{quote(route, safe='')}/hold")

    async def resume(self, route: str) -> JsonObject:
        """Starts it again."""
        return await self._ask("POST", f"/outbox/routes/{quote(route, safe='')}/resume")

    async def body(self, id_: str) -> AsyncIterator[bytes]:
        """Yields the body of a message in pieces."""
        async with self._session.get(f"{_message(id_)}/body") as answer:
            await _accept(answer)
            async for piece in answer.content.iter_any():
                yield piece

    async def _ask(self, method: str, path: str) -> JsonObject:
        async with self._session.request(method, path) as answer:
            await _accept(answer)
            found: JsonObject = await answer.json()
            return found


@asynccontextmanager
async def outbox_api(configuration: Configuration) -> AsyncIterator[OutboxApi]:
    """Finds the proxy of this configuration; Unreachable says why that is not possible."""
    store = store_folder(configuration, os.environ)
    async with running_proxy(configuration.admin, store=store) as proxy:
        yield OutboxApi(proxy.session)


async def _accept(answer: ClientResponse) -> None:
    if answer.status == 200:
        return
    if answer.content_type == "application/problem+json":
        problem = await answer.json(content_type=None)
        raise Refused(answer.status, problem["code"], problem["detail"])
    raise Refused(answer.status, "", f"The proxy answered {answer.status}: it may be another version.")


def _message(id_: str) -> str:
    return f"/outbox/messages/{quote(id_, safe='')}"
