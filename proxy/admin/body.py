"""Reads the body of a request to the admin address; each resource says how large it may be."""

from aiohttp import web


async def body_of(request: web.Request, *, most: int) -> bytes:
    """Returns the body, of at most `most` bytes; raises a 413 for a larger one."""
    body = bytearray()
    async for piece in request.content.iter_any():
        body += piece
        if len(body) > most:
            raise web.HTTPRequestEntityTooLarge(max_size=most, actual_size=len(body))
    return bytes(body)


async def text_of(request: web.Request, *, most: int) -> str:
    """Returns the body as text; LookupError or ValueError if its coding or charset is unknown or does not match."""
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding.strip().lower() != "identity":
        raise LookupError("a content coding, although none is supported")
    return (await body_of(request, most=most)).decode(request.charset or "utf-8")
