"""The proxy's own answers: a problem document (RFC 9457), marked by Proxy-Status (RFC 9209)."""

import json
from email.utils import formatdate
from http import HTTPStatus

from proxy.errors import ProxyError

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def problem(error: ProxyError, *, name: bytes, request_id: str, method: str, close: bool, now: float) -> bytes:
    """Returns the whole answer, without content for HEAD. `now` is wall time in seconds."""
    content = (
        json.dumps(
            {
                "type": "about:blank",
                "title": error.title,
                "status": error.status,
                "detail": error.detail,
                "code": error.code,
                "request_id": request_id,
            },
            ensure_ascii=False,
        ).encode()
        + b"\n"
    )
    lines = [
        f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}",
        f"Date: {formatdate(now, usegmt=True)}",
        "Content-Type: application/problem+json",
        f"Content-Length: {len(content)}",
        f"Proxy-Status: {name.decode()}"
        + (f"; error={error.error_type}" if error.error_type else "")
        + f'; details="{error.code}"',
        f"X-Request-ID: {request_id}",
        *(f"{field}: {value}" for field, value in error.fields()),
        *(["Connection: close"] if close else []),
        "",
        "",
    ]
    return "\r\n".join(lines).encode("latin-1") + (b"" if method == "HEAD" else content)
