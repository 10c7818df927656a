"""Requests to the admin address, on connections of their own."""

from pathlib import Path

from tests.fakes.sender import Answer
from tests.flow.running import Document, Running

TOKEN = "cAnAryAdminToken-0123456789"
BEARER = b"Authorization: Bearer " + TOKEN.encode()


def tokened(document: Document, folder: Path) -> Document:
    """With this token for the admin address."""
    (folder / "token").write_text(f"{TOKEN}\n")
    return document | {"admin": {"address": "127.0.0.1:0", "token_file": "token"}}


async def ask(
    proxy: Running, line: bytes, *fields: bytes, host: bytes | None = b"localhost", body: bytes = b""
) -> Answer:
    """In HTTP/1.1, unless the line has a version."""
    sender = await proxy.sender(proxy.app.admin.port)
    start = line if b" HTTP/" in line else line + b" HTTP/1.1"
    named = [] if host is None else [b"Host: " + host]
    length = [b"Content-Length: %d" % len(body)] if body else []
    return await sender.ask(b"\r\n".join([start, *named, *fields, *length, b"", body]))
