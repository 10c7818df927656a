"""The resources of the console. The files of its pages are in `files`; a request can name no other one."""

import asyncio
from functools import partial
from pathlib import Path

from aiohttp import web

from proxy.admin.access import CONSOLE

FOLDER = Path(__file__).with_name("files")
FILES = ("index.html", "console.css", "console.js")
"All files that are served; index.html is `/console/` itself."
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def add_console(router: web.UrlDispatcher) -> None:
    """Adds the resources of the console."""
    router.add_get(CONSOLE.rstrip("/"), to_console)
    for name in FILES:
        router.add_get(CONSOLE if name == "index.html" else CONSOLE + name, partial(file, name))


async def to_console(request: web.Request) -> web.Response:
    """Redirects to the URL with a slash, on which the console's relative URLs depend."""
    query = f"?{request.rel_url.raw_query_string}" if request.rel_url.raw_query_string else ""
    return web.Response(status=308, headers={"Location": CONSOLE + query})


async def file(name: str, _request: web.Request) -> web.Response:
    """Answers with one of `FILES`."""
    path = FOLDER / name
    content = await asyncio.to_thread(path.read_bytes)
    return web.Response(body=content, content_type=TYPES[path.suffix], charset="utf-8")
