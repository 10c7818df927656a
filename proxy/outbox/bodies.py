"""How the stores keep large bodies: apart from their messages, in pieces of which each is sealed."""

from collections.abc import Awaitable, Callable

from proxy.outbox.failures import body_unreadable, unavailable
from proxy.outbox.message import StoredBody, body_size
from proxy.store.keys import Keys
from proxy.store.sealed_pieces import PIECE, seal_piece, unseal_piece

IN_THE_ROW = 16 << 10
"Bytes of a body that is kept with its message; a larger one is kept apart."


async def read_whole(body: StoredBody) -> bytes:
    """Returns a body that is small."""
    content = b""
    while piece := await body.read(len(content)):
        content += piece
    return content


async def seal_body(
    body: "bytes | StoredBody", keys: Keys, context: bytes, write: Callable[[int, bytes], Awaitable[object]]
) -> None:
    """Has each piece written, with its number. Raises OutboxUnavailable if the body ends before its size."""
    size = body_size(body)
    number = at = 0
    while at < size:
        content = await _piece(body, at)
        at += len(content)
        _, sealed = seal_piece(keys, content, context, number=number, last=at == size)
        await write(number, sealed)
        number += 1


def unseal_body_piece(keys: Keys, key_id: bytes, sealed: bytes, context: bytes, *, number: int, size: int) -> bytes:
    """Returns a piece of a body of this size. Raises OutboxUnavailable."""
    last = (number + 1) * PIECE >= size
    try:
        return unseal_piece(keys, key_id, sealed, context, number=number, last=last)
    except ValueError as error:
        raise body_unreadable(error) from None


async def _piece(body: "bytes | StoredBody", at: int) -> bytes:
    """Returns a whole piece, or the rest."""
    if isinstance(body, bytes):
        return body[at : at + PIECE]
    wanted = min(PIECE, body.size - at)
    piece = await body.read(at)
    while len(piece) < wanted:
        more = await body.read(at + len(piece))
        if not more:
            raise unavailable("the body was cut")
        piece += more
    return piece[:wanted]
