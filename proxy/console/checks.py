"""`Check` on the page Routes: the doctor's steps, each sent as soon as it has ended."""

import asyncio
import importlib
import json
from collections.abc import Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from aiohttp import web

from proxy.admin.connection import begin_stream
from proxy.app import App
from proxy.console.problems import ApiProblem
from proxy.trial.checks import CheckStatus

if TYPE_CHECKING:
    from proxy.trial.examination import Finding

HEADERS: Final = {"Content-Type": "application/x-ndjson"}


class RouteChecks:
    """The checks that are running: at most one for each route."""

    def __init__(self, app: App, environ: Mapping[str, str]) -> None:
        self._app = app
        self._environ = environ
        self._running: set[str] = set()

    async def check(self, request: web.Request) -> web.StreamResponse:
        """Answers with a line for each step. A page that disconnects ends the check."""
        name, configuration = request.match_info["name"], self._app.configuration
        route = next((each for each in configuration.routes if each.name == name), None)
        if route is None:
            raise ApiProblem(404, f"There is no route {name}.")
        response = web.StreamResponse(headers=HEADERS)
        if request.method == "HEAD":
            return response
        if name in self._running:
            raise ApiProblem(409, f"Route {name} is being checked already; wait for its end.")
        self._running.add(name)
        try:
            await asyncio.to_thread(importlib.import_module, "proxy.trial.examination")
            from proxy.trial.examination import Examination  # noqa: PLC0415 - takes time and memory

            begin_stream(request)
            await response.prepare(request)
            examination = Examination(configuration, self._environ, sender="the page Send")
            async with aclosing(examination.findings({name: route})) as findings:
                async for each in findings:
                    await response.write(line(each))
            await response.write(b'{"done":true}\n')
        finally:
            self._running.discard(name)
        return response


def line(finding: "Finding") -> bytes:
    """Returns a step as a line of JSON; of a failed one the detail says what to do."""
    shows_advice = finding.status in (CheckStatus.FAILED, CheckStatus.WARNING)
    content = {
        "group": finding.subject,
        "name": finding.check,
        "result": finding.status.value,
        "detail": "" if shows_advice else finding.detail,
        "advice": finding.detail if shows_advice else "",
    }
    return json.dumps(content).encode() + b"\n"
