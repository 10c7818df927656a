"""Cheap hashes of passwords."""

from base64 import b64encode

import bcrypt
from argon2 import PasswordHasher


def bcrypt_hash(password: str) -> str:
    """As `htpasswd -B -C 4` writes it."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode().replace("$2b$", "$2y$")


def argon2_hash(password: str) -> str:
    """Argon2id."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(password)


def basic(name: str, password: str) -> bytes:
    """A value of Authorization."""
    return b"Basic " + b64encode(f"{name}:{password}".encode())
