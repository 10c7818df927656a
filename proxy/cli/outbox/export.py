"""`outbox export`: where a body goes. A file that has its name is complete."""

import base64
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import click

from proxy.cli.columns import tell
from proxy.cli.outbox.api import OutboxApi
from proxy.cli.pretty import pretty

SHOWN = 1 << 20
"Bytes that are shown on a terminal."


async def export_body(api: OutboxApi, id_: str, file: Path | None) -> None:
    """Writes the body to the file or to standard output; on a terminal, as text. OSError if that fails."""
    body = api.body(id_)
    if file is not None and str(file) != "-":
        await _write_file(file, body)
    elif sys.stdout.isatty():
        await _show(api, id_, body)
    else:
        async for piece in body:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()


async def export_message(api: OutboxApi, id_: str, file: Path | None) -> None:
    """Writes all about the message as JSON, the body in base64."""
    message = await api.message(id_)
    octets = b"".join([piece async for piece in api.body(id_)])
    text = json.dumps(message | {"body_base64": base64.b64encode(octets).decode()}, indent=2) + "\n"
    if file is None or str(file) == "-":
        click.echo(text, nl=False)
    else:
        await _write_file(file, _one(text.encode()))


async def _write_file(file: Path, pieces: AsyncIterator[bytes]) -> None:
    """Writes a file of this user alone beside its place, then moves it there: a body that was cut leaves none."""
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            async for piece in pieces:
                opened.write(piece)
        unfinished.replace(file)
    except BaseException:
        unfinished.unlink()
        raise


async def _show(api: OutboxApi, id_: str, body: AsyncIterator[bytes]) -> None:
    fields = {name.lower(): value for name, value in (await api.message(id_))["fields"]}
    content = b""
    async for piece in body:
        content += piece
        if len(content) > SHOWN:
            content = content[:SHOWN]
            tell(f"Only the first {SHOWN} bytes are shown; write all of them to a file with -o.")
            break
    click.echo(pretty(content, fields.get("content-type", "").partition(";")[0], "utf-8"))


async def _one(octets: bytes) -> AsyncIterator[bytes]:
    yield octets
