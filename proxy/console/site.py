"""The console of one process: its parts, and its resources at the admin address."""

import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from proxy.admin.access import CONSOLE
from proxy.app import App
from proxy.console.bodies import attachment
from proxy.console.checks import RouteChecks
from proxy.console.clients import Clients
from proxy.console.events import Events, Watched
from proxy.console.live import LiveContent, LiveOutbox, LiveTraffic
from proxy.console.problems import ROOT, ApiProblem, document, problems, read_object
from proxy.console.recordings import LONGEST, Recordings
from proxy.console.resending import again
from proxy.console.sandbox import SandboxPage, ShownTenant
from proxy.console.saved_requests import SavedRequests
from proxy.console.sending import Sending
from proxy.console.state import state_document
from proxy.console.static import StaticFile, static_files
from proxy.console.summaries import details, recording_of, summary
from proxy.console.traffic import Entry, Traffic
from proxy.oauth.waiters import CallLater
from proxy.observe.recording import BeginRecording


class Console:
    """An extension of the app; made before it, and `attach`ed to it. Its constructor reads the files of the pages."""

    def __init__(
        self,
        *,
        config: Path | None = None,
        environ: Mapping[str, str] | None = None,
        tenant: ShownTenant | None = None,
        wall: Callable[[], float] = time.time,
        call_later: CallLater | None = None,
    ) -> None:
        """`tenant` is the sandbox in the same process, if there is one."""
        self._config = "" if config is None else str(config)
        self._environ = os.environ if environ is None else environ
        self._wall, self._call_later = wall, call_later
        self._started_at = wall()
        self._files = static_files()
        self.traffic = Traffic(wall)
        self.recordings = Recordings(wall=wall, call_later=call_later)
        self._sandbox = None if tenant is None else SandboxPage(tenant)
        self.events: Events
        self.sending: Sending

    @property
    def observers(self) -> tuple[Traffic, ...]:
        """The observer that keeps the last exchanges."""
        return (self.traffic,)

    @property
    def recorded(self) -> dict[str, BeginRecording]:
        """What records exchanges, by route."""
        return self.recordings.by_route

    def attach(self, app: App) -> None:
        """Connects the console with the proxy that it shows, before that starts."""
        self._app = app
        self.recordings.attach(app.log.logger)
        self.sending, self._clients = Sending(app, self.traffic), Clients(app)
        self._checks, self._saved = RouteChecks(app, self._environ), SavedRequests(app)
        clients, recordings = self._clients, self.recordings
        watched: dict[str, Watched] = {
            "traffic": LiveTraffic(self.traffic),
            "clients": LiveContent(clients.changes, lambda: {"clients": clients.documents()}),
            "recordings": LiveContent(recordings.documents, lambda: {"recordings": recordings.documents()}),
            "outbox": LiveOutbox(app.outboxes),
        }
        if self._sandbox is not None:
            watched["sandbox"] = LiveContent(self._sandbox.change, self._sandbox.content)
        self.events = Events(watched, call_later=self._call_later)

    async def close(self) -> None:
        """Ends streams and recordings, and forgets what is kept in files."""
        self.events.close()
        self.recordings.close()
        await self.sending.answers.close()

    def add_to(self, application: web.Application) -> None:
        """Adds the pages and the API."""
        application.middlewares.append(problems)
        router = application.router
        router.add_get(CONSOLE.rstrip("/"), to_console)
        for each in self._files:
            router.add_get(CONSOLE + each.path, partial(page, each))
        for method, path, handler in self._resources():
            add = router.add_get if method == "GET" else partial(router.add_route, method)
            add(ROOT + path, handler)

    def _resources(self) -> list[tuple[str, str, Handler]]:
        found: list[tuple[str, str, Handler]] = [
            ("GET", "state", self._state),
            ("GET", "traffic", self._list),
            ("GET", "traffic/{id}", self._details),
            ("GET", "traffic/{id}/request-body", partial(self._body, is_answer=False)),
            ("GET", "traffic/{id}/response-body", partial(self._body, is_answer=True)),
            ("GET", "events", self._events),
            ("PUT", "recordings/{route}", self._record),
            ("DELETE", "recordings/{route}", self._stop_recording),
            ("POST", "send", self.sending.send),
            ("GET", "answers/{id}", self.sending.download),
            ("POST", "import", self._saved.read),
            ("POST", "export", self._saved.write),
            ("GET", "clients", self._clients.show),
            ("POST", "clients/{name}/renew", self._clients.renew),
            ("GET", "routes/{name}/check", self._checks.check),
        ]
        if self._sandbox is not None:
            found += [("GET", "sandbox", self._sandbox.show), ("PUT", "sandbox/faults", self._sandbox.switch)]
        return found

    async def _state(self, _request: web.Request) -> web.Response:
        state = state_document(
            self._app,
            now=self._wall(),
            started_at=self._started_at,
            config=self._config,
            sandbox=self._sandbox is not None,
        )
        return document(state | {"recordings": self.recordings.documents()})

    async def _list(self, _request: web.Request) -> web.Response:
        entries = self.traffic.newest()
        rows = [self._summary(entry) for entry in entries]
        return document({"exchanges": rows, "dropped": self.traffic.total - len(rows)})

    async def _details(self, request: web.Request) -> web.Response:
        entry = self._entry(request)
        _, at, record = entry
        return document(details(self.traffic.identifier(entry), at, record) | again(self._app, record))

    async def _body(self, request: web.Request, *, is_answer: bool) -> web.Response:
        recording = recording_of(self._entry(request)[2])
        body = recording and (recording.answer if is_answer else recording.body)
        if not body or not body.octets:
            raise ApiProblem(404, "The body is not kept.")
        return attachment(body.octets)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if request.method == "HEAD":
            return web.Response(content_type="text/event-stream")
        return await self.events.serve(request)

    async def _record(self, request: web.Request) -> web.Response:
        minutes = (await read_object(request)).get("minutes", LONGEST)
        if isinstance(minutes, bool) or not isinstance(minutes, int | float):
            raise ApiProblem(400, "`minutes` is not a number.")
        try:
            self.recordings.start(self._route(request), minutes)
        except ValueError as error:
            raise ApiProblem(400, str(error)) from None
        return document({"recordings": self.recordings.documents()})

    async def _stop_recording(self, request: web.Request) -> web.Response:
        name = request.match_info["route"]
        if name not in self.recordings.by_route:
            self._route(request)
        self.recordings.stop(name)
        return document({"recordings": self.recordings.documents()})

    def _route(self, request: web.Request) -> str:
        name = request.match_info["route"]
        if name not in self._app.routes:
            raise ApiProblem(404, f"There is no route {name}.")
        return name

    def _entry(self, request: web.Request) -> Entry:
        entry = self.traffic.find(request.match_info["id"])
        if entry is None:
            raise ApiProblem(404, "This exchange is no longer kept.")
        return entry

    def _summary(self, entry: Entry) -> dict[str, Any]:
        _, at, record = entry
        return summary(self.traffic.identifier(entry), at, record)


async def to_console(_request: web.Request) -> web.Response:
    """Redirects to the URL with a slash, on which the pages' relative URLs depend."""
    return web.Response(status=308, headers={"Location": CONSOLE})


async def page(file: StaticFile, _request: web.Request) -> web.Response:
    """Answers with a file of the pages."""
    return web.Response(body=file.content, content_type=file.media_type, charset="utf-8")
