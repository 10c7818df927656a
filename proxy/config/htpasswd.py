"""Users and the hashes of their passwords, as `htpasswd` writes them: `name:hash`, one a line."""

import re

DEAREST_BCRYPT = 16
"The highest cost that is accepted: one check takes about four seconds."
DEAREST_ARGON2 = 256 << 10
"The most memory of one check that is accepted, in KiB."

_BCRYPT = re.compile(r"\$2[aby]\$(?P<cost>[0-9]{2})\$[./A-Za-z0-9]{53}")
_ARGON2 = re.compile(
    r"\$argon2(?:id|i|d)\$(?:v=[0-9]{1,3}\$)?m=(?P<memory>[0-9]{1,9}),t=[0-9]{1,3},p=[0-9]{1,3}"
    r"\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{11,}"
)


def parse_users(text: str) -> dict[str, str]:
    """Returns the hashes by name; ValueError names the line, and shows nothing of it."""
    users: dict[str, str] = {}
    for number, line in numbered_lines(text):
        name, colon, hashed = line.partition(":")
        if not colon or not name or not name.isprintable():
            raise ValueError(f"has no name:hash in line {number}; write it with htpasswd -B")
        if name in users:
            raise ValueError(f"has the user of line {number} twice; remove one of the lines")
        if wrong := _fault(hashed):
            raise ValueError(f"has in line {number} {wrong}")
        users[name] = hashed
    if not users:
        raise ValueError("contains no user; write one with htpasswd -B")
    return users


def numbered_lines(text: str) -> list[tuple[int, str]]:
    """Returns the lines with their numbers, without comments (#), blank lines, and white space around them."""
    lines = enumerate((line.strip() for line in text.split("\n")), start=1)
    return [(number, line) for number, line in lines if line and not line.startswith("#")]


def _fault(hashed: str) -> str:
    """Returns what is wrong with a hash, or nothing."""
    if bcrypt := _BCRYPT.fullmatch(hashed):
        if not 4 <= int(bcrypt["cost"]) <= DEAREST_BCRYPT:
            return f"a bcrypt hash whose cost is not from 4 to {DEAREST_BCRYPT}; make a new one with htpasswd -B -C 12"
        return ""
    if argon2 := _ARGON2.fullmatch(hashed):
        if int(argon2["memory"]) > DEAREST_ARGON2:
            return f"an argon2 hash that takes more than {DEAREST_ARGON2 >> 10} MiB; make a new one with less"
        return ""
    return "a hash that is neither bcrypt nor argon2; make a new one with htpasswd -B"
