"""How a body is shown: as text if it is one, else only its size; and how it is saved, never as a page."""

import codecs
import re
import zlib
from collections.abc import Iterable
from typing import Any, Final

from aiohttp import web

SHOWN: Final = 1 << 20
"Bytes of a body that are shown, or kept."
_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_CHARSET: Final = re.compile(
    r"charset\s*=\s*\"?((?:utf|ucs|us-ascii|iso-?8859|latin|windows-12|cp\d|gb|big5|shift|euc|koi8)[\w.:-]*)",
    re.IGNORECASE,
)
"Others are not read: Python has codecs that decompress, or whose time is the square of the length."
ATTACHMENT: Final = {
    "Content-Disposition": 'attachment; filename="body.bin"',
    "X-Content-Type-Options": "nosniff",
}


def body_document(
    octets: bytes, *, size: int, fields: Iterable[tuple[str, str]], download: str | None
) -> dict[str, Any]:
    """Returns a body for a page; `octets` are its beginning or all of it, `size` counts all of it."""
    known = {name.lower(): value for name, value in fields}
    media_type = known.get("content-type", "")
    return {
        "size": size,
        "kept": len(octets),
        "text": text_of(octets, media_type, known.get("content-encoding", ""), is_whole=size == len(octets)),
        "media_type": media_type,
        "download": download,
    }


def text_of(octets: bytes, media_type: str, coding: str = "", *, is_whole: bool = True) -> str | None:
    """Returns the text that the bytes are; None if they are not text.

    A body that is not whole may end within a character, and so may what was compressed.
    """
    plain = _decoded(octets, coding.strip().lower())
    charset = _CHARSET.search(media_type)
    try:
        decoder = codecs.getincrementaldecoder(charset[1] if charset else "utf-8")()
        text = decoder.decode(plain, is_whole and not coding) if plain is not None else None
    except (LookupError, ValueError):
        return None
    return None if not isinstance(text, str) or _CONTROLS.search(text) else text


def attachment(octets: bytes) -> web.Response:
    """Returns an answer that a browser saves, whatever it contains."""
    return web.Response(body=octets, content_type="application/octet-stream", headers=ATTACHMENT)


def _decoded(octets: bytes, coding: str) -> bytes | None:
    match coding:
        case "" | "identity":
            return octets
        case "gzip" | "x-gzip" | "deflate":
            try:
                return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(octets, SHOWN)
            except zlib.error:
                return None
        case _:
            return None
