"""The keys of `store.keys_file`: they encrypt what is kept, and key its hashes.

A value is encrypted with AES-256-GCM under the first key and bound to its context (associated data), so that it cannot
be moved to another place. What is kept beside it is the key's id, so that every key of the file still decrypts. Without
keys nothing is encrypted, and the id is empty. With keys such a value is refused, because anybody could have put it
there, unless the store may have been one without keys before.
"""

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from proxy.config.files import read_file

OCTETS = 32
"Length of a key."
NONCE = 12
"Random; with one key, 2^32 values are safe (NIST SP 800-38D §8.3)."
OVERHEAD = NONCE + 16
"Bytes that a sealed value is longer than its content."
PLAIN = b""
"The key id of what is not encrypted."


class KeyMissing(ValueError):
    """A value was encrypted with a key that is not in the file."""


class ValueForged(ValueError):
    """A value was changed, or belongs elsewhere."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key, as what is derived from it (HKDF, RFC 5869)."""

    id: bytes
    "Eight bytes that do not tell the key."
    cipher: AESGCM = field(repr=False)
    hash_key: bytes = field(repr=False)

    @staticmethod
    def derive(secret: bytes) -> "Key":
        """Makes a key of 32 random bytes. The id and both subkeys are independent of each other."""
        return Key(_derived(secret, b"id", 8), AESGCM(_derived(secret, b"seal", OCTETS)), _derived(secret, b"hash", 32))


def _derived(secret: bytes, purpose: bytes, length: int) -> bytes:
    return HKDFExpand(SHA256(), length, b"cpi-oauth-proxy store " + purpose).derive(secret)


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one file, the one that encrypts first; none for a store that does not encrypt."""

    keys: tuple[Key, ...] = ()
    reads_plain: bool = field(default=False, repr=False)
    "Whether values that are not encrypted are read although there are keys."

    @property
    def ids(self) -> tuple[bytes, ...]:
        """The ids of all keys."""
        return tuple(key.id for key in self.keys)

    @property
    def current_id(self) -> bytes:
        """The id of the key that encrypts."""
        return self.keys[0].id if self.keys else PLAIN

    def __contains__(self, key_id: bytes) -> bool:
        """Whether values with this key id can be read."""
        if key_id == PLAIN:
            return self.reads_plain or not self.keys
        return any(key.id == key_id for key in self.keys)

    def reading_plain(self) -> "Keys":
        """Returns the same keys for a store that may have been one without keys."""
        return replace(self, reads_plain=True)

    def missing(self, used: Iterable[bytes]) -> Sequence[bytes]:
        """Returns those key ids that are not here."""
        return [key_id for key_id in used if key_id not in self]

    def seal(self, content: bytes, context: bytes) -> tuple[bytes, bytes]:
        """Returns the key's id and the encrypted content; PLAIN and the content without a key."""
        if not self.keys:
            return PLAIN, content
        nonce = os.urandom(NONCE)
        return self.keys[0].id, nonce + self.keys[0].cipher.encrypt(nonce, content, context)

    def unseal(self, key_id: bytes, value: bytes, context: bytes) -> bytes:
        """Returns the content. Raises KeyMissing, or ValueForged if value, key and context do not fit together."""
        if key_id == PLAIN:
            if key_id not in self:
                raise ValueForged("a stored value is not encrypted")
            return value
        try:
            return self._key(key_id).cipher.decrypt(value[:NONCE], value[NONCE:], context)
        except (InvalidTag, ValueError) as error:
            if isinstance(error, KeyMissing):
                raise
            raise ValueForged("a stored value was changed, or was copied from another place") from error

    def digest(self, content: bytes, context: bytes, key_id: bytes | None = None) -> tuple[bytes, bytes]:
        """Returns a key's id and the keyed hash of content and context; SHA-256 without a key."""
        key_id = self.current_id if key_id is None else key_id
        text = len(context).to_bytes(4, "big") + context + content
        if key_id == PLAIN:
            return PLAIN, hashlib.sha256(text).digest()
        return key_id, hmac.digest(self._key(key_id).hash_key, text, "sha256")

    def digests(self, content: bytes, context: bytes) -> Sequence[tuple[bytes, bytes]]:
        """Returns the hash under every key, the current one first, and without one: to look for what is kept."""
        return [*(self.digest(content, context, key.id) for key in self.keys), self.digest(content, context, PLAIN)]

    def _key(self, key_id: bytes) -> Key:
        for key in self.keys:
            if key.id == key_id:
                return key
        raise KeyMissing(
            f"a value was encrypted with the key {key_id.hex()}, which is not in the keys file; add that key again"
        )


def parse_keys(text: bytes) -> Keys:
    """Reads a keys file; ValueError tells the line, and shows nothing of it."""
    keys: list[Key] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            key = _key_of(line.strip(), number)
            if key.id in Keys(tuple(keys)):
                raise ValueError(f"line {number}: this key is repeated; remove one of the two")
            keys.append(key)
    if not keys:
        raise ValueError("the file has no key; write one with: openssl rand -base64 32")
    return Keys(tuple(keys))


def _key_of(line: bytes, number: int) -> Key:
    try:
        secret = base64.b64decode(line, validate=True)
    except binascii.Error:  # its message could quote the key
        raise ValueError(f"line {number}: the key is not base64; make one with: openssl rand -base64 32") from None
    if len(secret) != OCTETS:
        raise ValueError(f"line {number}: the key has {len(secret)} bytes; it needs {OCTETS}: openssl rand -base64 32")
    return Key.derive(secret)


def read_keys(path: Path) -> Keys:
    """Reads a keys file; blocks. Raises OSError, or ValueError with the file's name."""
    try:
        return parse_keys(read_file(path))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
