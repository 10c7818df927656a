"""Whether a password belongs to a hash: a slow question, to be asked in a thread.

The two packages are loaded when they are first needed, for most proxies never need them.
"""

BCRYPT_READS = 72
"Octets of a password; htpasswd and crypt ignore the others, newer versions of bcrypt refuse them."


def matches(hashed: str, password: bytes) -> bool:
    """Whether it does; compared in constant time by both packages."""
    if hashed.startswith("$argon2"):
        return _matches_argon2(hashed, password)
    return _matches_bcrypt(hashed, password)


def _matches_bcrypt(hashed: str, password: bytes) -> bool:
    import bcrypt  # noqa: PLC0415 - see above

    try:
        return bcrypt.checkpw(password[:BCRYPT_READS], hashed.encode())
    except ValueError:  # a salt that is none
        return False


def _matches_argon2(hashed: str, password: bytes) -> bool:
    from argon2 import PasswordHasher  # noqa: PLC0415 - see above
    from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415

    try:
        return PasswordHasher().verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False
