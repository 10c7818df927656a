"""Sends a message of the page through the proxy, and shows its answer."""

from collections.abc import AsyncIterator
from typing import Any, Final

from aiohttp import web

from proxy.admin.connection import begin_stream
from proxy.app import App
from proxy.config.checked_text import check_field_value, check_method, check_token
from proxy.config.model import RouteSettings
from proxy.console.bodies import ATTACHMENT, body_document
from proxy.console.kept_answers import Answers, KeptAnswer
from proxy.console.problems import LARGEST, ApiProblem, as_object, document, fields_in, text_in
from proxy.console.sender import Delivered, Outgoing, SenderLabel, deliver
from proxy.console.summaries import findings, summary
from proxy.console.traffic import Traffic
from proxy.syntax import values_of
from proxy.trial.collection import sendable
from proxy.trial.destination import matching
from proxy.trial.message import OWN_FIELDS, media_type

_ADDED: Final = OWN_FIELDS - {"x-request-id"}
"Fields, in lower case, that say how this message is framed; those of another one do not apply."


class Sending:
    """The resources for sending."""

    def __init__(self, app: App, traffic: Traffic) -> None:
        self._app = app
        self._traffic = traffic
        self.answers = Answers(app.log.logger)

    async def send(self, request: web.Request) -> web.Response:
        """Sends one message; its line of JSON comes first, then its body. Ends with the exchange."""
        begin_stream(request)  # an answer may take minutes
        line, rest = await first_line(request)
        content = as_object(line)
        route = self._route(text_in(content, "route"))
        length = None if request.content_length is None else request.content_length - len(line) - 1
        message = self._message(content, route, length, pieces(rest, request), rest)
        label, answer = SenderLabel(), self.answers.new()
        try:
            delivered = await deliver(message, self._app.sender_context(label), label, answer.write)
        except TimeoutError:
            answer.close()
            raise ApiProblem(502, "The connection to the proxy was lost.") from None
        except BaseException:
            answer.close()
            raise
        async for _ in request.content.iter_any():
            pass  # an early answer; a browser shows it only after it has sent everything
        return document(self._document(delivered, answer))

    async def download(self, request: web.Request) -> web.StreamResponse:
        """Answers with the whole body of an answer, to be saved."""
        answer = self.answers.find(request.match_info["id"])
        if answer is None:
            raise ApiProblem(404, "This answer is no longer kept; send the message again.")
        response = web.StreamResponse(headers={**ATTACHMENT, "Content-Type": "application/octet-stream"})
        response.content_length = answer.size
        begin_stream(request)
        await response.prepare(request)
        if request.method != "HEAD":
            async for piece in answer.pieces():
                await response.write(piece)
        await response.write_eof()
        return response

    def _route(self, name: str) -> RouteSettings:
        found = next((each for each in self._app.configuration.routes if each.name == name), None)
        if found is None:
            raise ApiProblem(404, f"There is no route {name}.")
        return found

    def _message(
        self,
        content: dict[str, Any],
        route: RouteSettings,
        length: int | None,
        body: AsyncIterator[bytes],
        start: bytes,
    ) -> Outgoing:
        """Returns the message. Raises ApiProblem if it is not valid, or if it would go to another route."""
        try:
            method = check_method(text_in(content, "method").upper() or "POST")
        except ValueError as error:
            raise ApiProblem(400, f"Method: {error}.") from None
        path = text_in(content, "path")
        if path and path[0] not in "/?":
            raise ApiProblem(400, "Path: what follows the path of the route begins with / or ?.")
        target = sendable(route.path + path if route.path or path.startswith("/") else f"/{path}")
        fields = [checked(name, value) for name, value in fields_in(content) if name.lower() not in _ADDED]
        if not values_of(fields, "host"):
            fields.append(("Host", route.host or "localhost"))
        if length != 0 and not values_of(fields, "content-type") and (guessed := media_type(start)):
            fields.append(("Content-Type", guessed))
        matched = matching(method, target, values_of(fields, "host")[0], self._app.configuration.routes)
        if matched is not None and matched.name != route.name:
            raise ApiProblem(400, f"{method} {target} goes to route {matched.name}, not to {route.name}.")
        return Outgoing(method, target, fields, length, body)

    def _document(self, delivered: Delivered, answer: KeptAnswer) -> dict[str, Any]:
        record = delivered.record
        entry = self._traffic.entry_of(record)
        identifier = self._traffic.identifier(entry) if entry else record.request_id
        self.answers.keep(identifier, answer)
        pairs = delivered.head.fields.pairs() if delivered.head else []
        fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs]
        url = f"api/answers/{identifier}" if answer.is_kept and answer.size else None
        body = body_document(answer.start, size=answer.size, fields=fields, download=url)
        found = summary(identifier, entry[1] if entry else 0.0, record) | findings(record)
        return found | {
            "status": delivered.head.status if delivered.head else record.status,
            "fields": [list(pair) for pair in fields],
            "body": body,
            "truncated": answer.size > len(answer.start),
            "whole": delivered.is_whole,
            "download": url,
        }


def checked(name: str, value: str) -> tuple[str, str]:
    """Returns the field. Raises ApiProblem if it is not valid."""
    try:
        check_token(name)
        return name, check_field_value(value.strip())
    except ValueError as error:
        raise ApiProblem(400, f"Fields: {name}: {error}.") from None


async def first_line(request: web.Request) -> tuple[bytes, bytes]:
    """Returns the line of JSON, and what has arrived of the body behind it. Raises ApiProblem without a line."""
    received = bytearray()
    while b"\n" not in received:
        piece = await request.content.readany()
        received += piece
        if not piece or len(received) > LARGEST:
            raise ApiProblem(400, "Send one line of JSON first, then the body of the message.")
    line, _, rest = bytes(received).partition(b"\n")
    return line, rest


async def pieces(start: bytes, request: web.Request) -> AsyncIterator[bytes]:
    """Yields the body as it arrives."""
    yield start
    async for piece in request.content.iter_any():
        yield piece
