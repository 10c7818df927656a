"""A large content as pieces, each sealed with its number and whether it is the last.

So a content that was cut, or whose pieces were exchanged, is noticed when the piece is read, not when it is delivered.
"""

from proxy.store.keys import OVERHEAD, PLAIN, Keys

PIECE = 256 << 10
"Bytes of content in each piece but the last."


def seal_piece(keys: Keys, content: bytes, context: bytes, *, number: int, last: bool) -> tuple[bytes, bytes]:
    """Returns the key's id and the piece as it is stored."""
    return keys.seal(content, _context(context, number, last=last))


def unseal_piece(keys: Keys, key_id: bytes, value: bytes, context: bytes, *, number: int, last: bool) -> bytes:
    """Returns the content of a piece. Raises KeyMissing or ValueForged."""
    return keys.unseal(key_id, value, _context(context, number, last=last))


def place_of(number: int, key_id: bytes) -> tuple[int, int]:
    """Returns where a piece begins in what is stored, and how long it is unless it is the last."""
    length = PIECE if key_id == PLAIN else PIECE + OVERHEAD
    return number * length, length


def _context(context: bytes, number: int, *, last: bool) -> bytes:
    return b"%d %d " % (number, last) + context
