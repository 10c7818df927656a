"""The console's API from memory, behind the real pages."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from importlib.resources import files
from typing import Any

from aiohttp import web

from tests.fakes.console_samples import BINARY, client, overview, sandbox, summary

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
HEADERS = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
STATIC = files("proxy.console") / "static"


class ConsoleApi:
    """Tests change what it answers, and read what it received."""

    def __init__(self) -> None:
        self.overview = overview()
        self.exchanges: list[dict[str, Any]] = []
        "Details, newest first."
        self.dropped = 0
        self.clients = [client("orders"), client("invoices")]
        self.renewed: dict[str, dict[str, Any]] = {}
        "What renewing an OAuth client brings: itself, or a problem."
        self.sandbox = sandbox()
        self.steps: dict[str, list[dict[str, Any]]] = {}
        self.imported: dict[str, Any] = {"requests": [], "skipped": []}
        self.answer: dict[str, Any] = {}
        self.outbox: list[dict[str, Any]] = []
        self.outbox_messages: list[dict[str, Any]] = []
        self.sent: list[tuple[dict[str, Any], bytes]] = []
        self.received: list[tuple[str, str, bytes]] = []
        "Method, target and body of each request that changes something, but those of `sent`."
        self.refusal: dict[str, str] = {}
        "Why nothing of the outbox can be changed."
        self.signed_out = False
        self.hold = asyncio.Event()
        "Answers to `send` wait for it."
        self.hold.set()
        self.canceled = asyncio.Event()
        self._streams: set[web.StreamResponse] = set()
        self._changed = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self, port: int = 0) -> None:
        application = web.Application(middlewares=[self._fenced], client_max_size=64 << 20)
        application.add_routes(self._routes())
        self._runner = web.AppRunner(application, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/console/"

    async def stop(self) -> None:
        self.end_streams()
        if self._runner is not None:
            await self._runner.cleanup()

    async def tell(self, event: str, content: object) -> None:
        """To each page."""
        for each in list(self._streams):
            with suppress(ConnectionError):
                await each.write(f"event: {event}\ndata: {json.dumps(content)}\n\n".encode())

    async def add(self, *exchanges: dict[str, Any]) -> None:
        self.exchanges[:0] = reversed(exchanges)
        listed = [summary(each) for each in reversed(exchanges)]
        await self.tell("traffic", {"exchanges": listed, "dropped": self.dropped})

    async def streams(self, count: int) -> None:
        """Wait for so many."""
        while len(self._streams) != count:
            await self._changed.wait()

    def end_streams(self) -> None:
        for each in list(self._streams):
            if each._req is not None and each._req.transport is not None:
                each._req.transport.close()

    def _routes(self) -> list[web.RouteDef]:
        api = "/console/api"
        return [
            web.get(f"{api}/state", self._shows(lambda: self.overview | {"now": time.time()})),
            web.get(f"{api}/traffic", self._traffic),
            web.get(f"{api}/traffic/{{id}}", self._exchange),
            web.get(f"{api}/traffic/{{id}}/{{part}}", self._body),
            web.get(f"{api}/events", self._events),
            web.put(f"{api}/recordings/{{route}}", self._record),
            web.delete(f"{api}/recordings/{{route}}", self._record),
            web.post(f"{api}/send", self._send),
            web.post(f"{api}/import", self._import),
            web.post(f"{api}/export", self._export),
            web.get(f"{api}/clients", self._shows(lambda: {"clients": self.clients})),
            web.post(f"{api}/clients/{{name}}/renew", self._renew),
            web.get(f"{api}/routes/{{name}}/check", self._check),
            web.get(f"{api}/sandbox", self._shows(lambda: self.sandbox)),
            web.put(f"{api}/sandbox/faults", self._faults),
            web.get("/outbox", self._shows(lambda: {"routes": self.outbox})),
            web.get("/outbox/messages", self._shows(lambda: {"messages": self.outbox_messages, "next": None})),
            web.get("/outbox/messages/{id}", self._message),
            web.post("/outbox/messages/{id}/retry", self._change_outbox),
            web.delete("/outbox/messages/{id}", self._change_outbox),
            web.post("/outbox/routes/{route}/{action}", self._change_outbox),
            web.get("/console/{path:.*}", self._static),
        ]

    @web.middleware
    async def _fenced(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if self.signed_out and "/api/" in request.path:
            answer: web.StreamResponse = _problem(401, "Not signed in", "cpi-oauth-proxy console prints the address.")
        else:
            answer = await handler(request)
        if not answer.prepared:
            answer.headers.update(HEADERS)
        return answer

    def _shows(self, content: Callable[[], object]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def show(_: web.Request) -> web.Response:
            return _json(content())

        return show

    async def _static(self, request: web.Request) -> web.Response:
        path = request.match_info["path"] or "index.html"
        found = STATIC.joinpath(*path.split("/"))
        suffix = path[path.rfind(".") :]
        if suffix not in TYPES or ".." in path or not found.is_file():
            return _problem(404, "Not found", "")
        return web.Response(body=found.read_bytes(), content_type=TYPES[suffix], charset="utf-8")

    async def _traffic(self, _: web.Request) -> web.Response:
        return _json({"exchanges": [summary(each) for each in self.exchanges], "dropped": self.dropped})

    async def _exchange(self, request: web.Request) -> web.Response:
        for each in self.exchanges:
            if each["id"] == request.match_info["id"]:
                return _json(each)
        return _problem(404, "No such exchange", "")

    async def _body(self, request: web.Request) -> web.Response:
        side = request.match_info["part"].removesuffix("-body")
        (found,) = [each for each in self.exchanges if each["id"] == request.match_info["id"]]
        text = found[side]["body"]["text"]
        return web.Response(body=BINARY if text is None else text.encode(), content_type="application/octet-stream")

    async def _events(self, request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream"})
        await stream.prepare(request)
        await stream.write(b": connected\n\n")
        self._note(stream, is_open=True)
        try:
            await asyncio.Event().wait()
        finally:
            self._note(stream, is_open=False)
        return stream

    def _note(self, stream: web.StreamResponse, *, is_open: bool) -> None:
        (self._streams.add if is_open else self._streams.discard)(stream)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _receive(self, request: web.Request) -> bytes:
        body = await request.read()
        self.received.append((request.method, request.path_qs, body))
        return body

    async def _record(self, request: web.Request) -> web.Response:
        await self._receive(request)
        route = request.match_info["route"]
        kept = [each for each in self.overview["recordings"] if each["route"] != route]
        added = [{"route": route, "until": self.overview["now"] + 900}] * (request.method == "PUT")
        self.overview["recordings"] = [*kept, *added]
        return _json({"recordings": self.overview["recordings"]})

    async def _send(self, request: web.Request) -> web.Response:
        line, _, body = (await request.read()).partition(b"\n")
        self.sent.append((json.loads(line), body))
        try:
            await self.hold.wait()
        except asyncio.CancelledError:
            self.canceled.set()
            raise
        return _json(self.answer)

    async def _import(self, request: web.Request) -> web.Response:
        await self._receive(request)
        return _json(self.imported)

    async def _export(self, request: web.Request) -> web.Response:
        await self._receive(request)
        return web.Response(text="### exported\n", headers={"Content-Disposition": "attachment"})

    async def _renew(self, request: web.Request) -> web.Response:
        await self._receive(request)
        name = request.match_info["name"]
        renewed = self.renewed.get(name, client(name))
        if "title" in renewed:
            return _problem(502, renewed["title"], renewed["detail"])
        return _json(renewed)

    async def _check(self, request: web.Request) -> web.Response:
        lines = [*self.steps.get(request.match_info["name"], []), {"done": True}]
        return web.Response(
            text="".join(f"{json.dumps(each)}\n" for each in lines), content_type="application/x-ndjson"
        )

    async def _faults(self, request: web.Request) -> web.Response:
        wanted = json.loads(await self._receive(request))
        for each in self.sandbox["faults"]:
            each["on"] = wanted.get(each["name"], each["on"])
        return _json(self.sandbox)

    async def _message(self, request: web.Request) -> web.Response:
        found = [each for each in self.outbox_messages if each["id"] == request.match_info["id"]]
        return _json(found[0]) if found else _problem(404, title="There is no such message", detail="")

    async def _change_outbox(self, request: web.Request) -> web.Response:
        await self._receive(request)
        if self.refusal:
            return _problem(409, **self.refusal)
        for each in self.outbox:
            if each["route"] == request.match_info.get("route"):
                each["held"] = request.match_info["action"] == "hold"
        if request.method == "DELETE":
            self.outbox_messages = [each for each in self.outbox_messages if each["id"] != request.match_info["id"]]
        return _json({})


def _json(content: object) -> web.Response:
    return web.json_response(content)


def _problem(status: int, title: str, detail: str) -> web.Response:
    return web.json_response({"title": title, "detail": detail}, status=status)
