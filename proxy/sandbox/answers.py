"""What the sandbox answers, as values; one function puts them on the wire."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web
from multidict import CIMultiDict

NO_STORE = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))
"RFC 6749 §5.1 wants both on every token response."

HSTS = ("Strict-Transport-Security", "max-age=31536000; includeSubDomains; preload;")


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxAnswer:
    """A whole response that is known before it is sent."""

    status: int = 200
    fields: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    reason: str | None = None
    "None is the registered phrase; Tomcat sends an empty one."


def json_answer(
    document: Mapping[str, object], *, status: int = 200, fields: tuple[tuple[str, str], ...] = ()
) -> SandboxAnswer:
    """A document as UAA writes it."""
    content_type = ("Content-Type", "application/json;charset=UTF-8")
    return SandboxAnswer(status=status, fields=(content_type, *fields), body=json.dumps(document).encode())


def text_answer(text: str, *, status: int, fields: tuple[tuple[str, str], ...] = ()) -> SandboxAnswer:
    """Plain text in UTF-8."""
    content_type = ("Content-Type", "text/plain; charset=utf-8")
    return SandboxAnswer(status=status, fields=(content_type, *fields), body=text.encode())


def response(answer: SandboxAnswer) -> web.Response:
    """The answer for aiohttp, with SAP's Server field in place of ours."""
    fields = CIMultiDict(answer.fields)
    fields.setdefault("Server", "SAP")
    reason = HTTPStatus(answer.status).phrase if answer.reason is None else answer.reason
    return web.Response(status=answer.status, reason=reason, headers=fields, body=answer.body)
