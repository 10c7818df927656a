"""What is sent of a message, as one value: sealed as a whole, and bound to its id."""

import struct
from dataclasses import dataclass, field

from proxy.store.keys import Keys

_LENGTHS = struct.Struct(">III")


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What is sent, and what it was called by its sender."""

    sender_id: bytes
    target: bytes = field(repr=False)
    fields: tuple[bytes, ...] = field(repr=False)
    body: bytes = field(repr=False)
    "Empty if the body is a file."


def seal(keys: Keys, content: Content, id_: str, route: str) -> tuple[bytes, bytes]:
    """Returns the id of the key, and what is stored."""
    lines = b"\n".join(content.fields)  # no field line contains one
    lengths = _LENGTHS.pack(len(content.sender_id), len(content.target), len(lines))
    return keys.seal(
        b"".join((lengths, content.sender_id, content.target, lines, content.body)), context_of(id_, route)
    )


def unseal(keys: Keys, key_id: bytes, value: bytes, id_: str, route: str) -> Content:
    """Returns the content. Raises KeyMissing or ValueForged."""
    packed = keys.unseal(key_id, value, context_of(id_, route))
    sender_id_length, target_length, lines_length = _LENGTHS.unpack_from(packed)
    target = _LENGTHS.size + sender_id_length
    lines = target + target_length
    body = lines + lines_length
    return Content(
        sender_id=packed[_LENGTHS.size : target],
        target=packed[target:lines],
        fields=tuple(packed[lines:body].split(b"\n")) if lines_length else (),
        body=packed[body:],
    )


def context_of(id_: str, route: str) -> bytes:
    """Returns what a sealed value belongs to."""
    return f"message {id_} {route}".encode()
