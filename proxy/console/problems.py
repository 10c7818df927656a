"""What the console's API answers: JSON, and problems with a title and a detail; bodies of limited size."""

import json
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from proxy.errors import ProxyError

LARGEST = 1 << 20
"Bytes of a request's body, except that of a message to send."
ROOT = "/console/api/"


class ApiProblem(Exception):
    """A request to the API that is not served; both texts are for people."""

    def __init__(self, status: int, detail: str, title: str = "") -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail
        self.title = title or HTTPStatus(status).phrase


def document(content: Any, status: int = 200) -> web.Response:
    """Returns an answer in JSON."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return web.Response(
        body=text.encode("utf-8", "backslashreplace"), status=status, content_type="application/json", charset="utf-8"
    )


def problem(status: int, title: str, detail: str) -> web.Response:
    """Returns an answer that says what is wrong."""
    return document({"title": title, "detail": detail}, status)


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers requests to the API that are not served with a problem document."""
    if not request.path.startswith(ROOT):
        return await handler(request)
    try:
        return await handler(request)
    except ApiProblem as error:
        return problem(error.status, error.title, error.detail)
    except ProxyError as error:
        return problem(error.status, error.title, error.detail)
    except web.HTTPMethodNotAllowed as error:
        allowed = ", ".join(sorted(error.allowed_methods))
        answer = problem(405, "Method Not Allowed", f"This resource accepts {allowed}.")
        answer.headers["Allow"] = allowed
        return answer
    except web.HTTPNotFound:
        return problem(404, "Not Found", "The console has no such resource.")


async def read_body(request: web.Request) -> bytes:
    """Returns the body. Raises ApiProblem if it is too large."""
    content = bytearray()
    async for piece in request.content.iter_any():
        content += piece
        if len(content) > LARGEST:
            raise ApiProblem(413, f"Send at most {LARGEST} bytes.")
    return bytes(content)


async def read_object(request: web.Request) -> dict[str, Any]:
    """Returns the body, which is a JSON object. Raises ApiProblem."""
    return as_object(await read_body(request))


def as_object(octets: bytes) -> dict[str, Any]:
    """Returns a JSON object. Raises ApiProblem."""
    try:
        content = json.loads(octets)
        json.dumps(content, ensure_ascii=False).encode()  # half a character of UTF-16 is no text
    except (ValueError, RecursionError):
        raise ApiProblem(400, "The body is not valid JSON.") from None
    if not isinstance(content, dict):
        raise ApiProblem(400, "The body is not a JSON object.")
    return content


def text_in(content: dict[str, Any], name: str) -> str:
    """Returns the text of a member, empty if it is missing. Raises ApiProblem if it is not text."""
    value = content.get(name, "")
    if not isinstance(value, str):
        raise ApiProblem(400, f"`{name}` is not text.")
    return value


def fields_in(content: dict[str, Any]) -> list[tuple[str, str]]:
    """Returns `fields`, a list of names and values. Raises ApiProblem."""
    fields = content.get("fields", [])
    if not isinstance(fields, list) or not all(map(_is_pair, fields)):
        raise ApiProblem(400, "`fields` is not a list of names and values.")
    return [(name, value) for name, value in fields]


def _is_pair(each: Any) -> bool:
    return isinstance(each, list) and len(each) == 2 and all(isinstance(part, str) for part in each)
