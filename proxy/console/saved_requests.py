"""`Import` and `Export` on the page Send: requests of other tools, by the code of `send --collection`."""

import asyncio
from typing import Any

from aiohttp import web

from proxy.app import App
from proxy.config.model import Configuration
from proxy.console.problems import ApiProblem, as_object, document, fields_in, read_body, text_in
from proxy.console.state import proxy_urls
from proxy.trial.collection import BodyPath, Collection, SavedRequest, resolved
from proxy.trial.destination import destination

MOST = 1000
"Requests of a file."


class SavedRequests:
    """The resources for files of requests. Reading one takes time, so it is done in a thread."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def read(self, request: web.Request) -> web.Response:
        """Answers with the requests of a Postman collection or an .http file."""
        octets = await read_body(request)
        try:
            text, configuration = octets.decode("utf-8-sig"), bound(self._app)
            return document(await asyncio.to_thread(imported, text, configuration))
        except UnicodeDecodeError:
            raise ApiProblem(400, "The file is not UTF-8 text.") from None
        except (ValueError, RecursionError) as error:
            raise ApiProblem(400, f"The file {error}.") from None

    async def write(self, request: web.Request) -> web.Response:
        """Answers with an .http file."""
        octets = await read_body(request)
        text = await asyncio.to_thread(exported, as_object(octets), self._app)
        fields = {"Content-Disposition": 'attachment; filename="requests.http"', "X-Content-Type-Options": "nosniff"}
        return web.Response(body=text.encode(), content_type="application/octet-stream", headers=fields)


def bound(app: App) -> Configuration:
    """Returns the configuration with the ports at which senders really connect."""
    listen = tuple(each.settings.model_copy(update={"address": each.address}) for each in app.listeners)
    return app.configuration.model_copy(update={"listen": listen})


def imported(text: str, configuration: Configuration) -> dict[str, Any]:
    """Returns the requests of a file, and those that cannot be sent; ValueError if it is none, as half a sentence."""
    from proxy.trial.http_file import parse_http  # noqa: PLC0415 - loaded by the first file
    from proxy.trial.postman import parse_postman  # noqa: PLC0415

    skipped: list[tuple[str, str]] = []
    collection: Collection
    if text.lstrip().startswith("{"):
        collection = parse_postman(text, lambda name, reason: skipped.append((name, reason)))
    else:
        collection = parse_http(text)
    if len(collection) > MOST:
        raise ValueError(f"has more than {MOST} requests")
    found = []
    for each in collection:
        try:
            found.append(prepared(resolved(each, {}, {}), configuration))
        except UnicodeEncodeError:
            skipped.append((each.name, "it contains half a UTF-16 character, which is not text"))
        except ValueError as error:
            skipped.append((each.name, str(error).partition("; give --var")[0]))
    return {"requests": found, "skipped": [{"name": name, "reason": reason} for name, reason in skipped]}


def prepared(request: SavedRequest, configuration: Configuration) -> dict[str, Any]:
    """Returns a request as the form has it; ValueError if it cannot be sent from there."""
    if isinstance(request.body, BodyPath):
        reason = f"its body is in the file {request.body.path}; choose that file on the page"
        raise ValueError(reason)  # noqa: TRY004 - the request is wrong, not its type
    method, path, route = request.method.upper(), request.url, ""
    try:
        goal = destination(request.url, configuration.routes, method, configuration.listen)
    except ValueError:
        goal = None
    if goal is not None and goal.route is not None:
        route, path = goal.route.name, goal.target[len(goal.route.path) :]
    return {
        "name": request.name,
        "route": route,
        "method": method,
        "path": path,
        "fields": [list(pair) for pair in request.fields],
        "body": request.body or "",
    }


def exported(content: dict[str, Any], app: App) -> str:
    """Returns an .http file of the form's requests. Raises ApiProblem if one cannot be written."""
    from proxy.trial.http_file import export_http  # noqa: PLC0415 - loaded by the first file

    requests = content.get("requests")
    if not isinstance(requests, list) or not requests or not all(isinstance(each, dict) for each in requests):
        raise ApiProblem(400, "`requests` is not a list of requests.")
    paths = {route.name: route.path for route in app.configuration.routes}
    base = next(iter(proxy_urls(app)), "")
    saved = []
    for each in requests:
        name, route = text_in(each, "name"), text_in(each, "route")
        if route and route not in paths:
            raise ApiProblem(404, f"There is no route {route}.")
        url = base + paths.get(route, "") + text_in(each, "path")
        method, body = text_in(each, "method") or "POST", text_in(each, "body")
        fields = tuple(fields_in(each))
        saved.append(
            SavedRequest(name=name or f"{method} {url}", method=method, url=url, fields=fields, body=body or None)
        )
    try:
        return export_http(tuple(saved))
    except ValueError as error:
        raise ApiProblem(400, f"The requests {error}.".replace("The requests cannot", "They cannot")) from None
