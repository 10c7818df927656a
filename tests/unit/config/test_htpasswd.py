"""Users and the hashes of their passwords."""

import pytest

from proxy.config.htpasswd import parse_users
from tests.cases import cases, grouped_cases

SALT_AND_HASH = "N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"
BCRYPT = f"$2y$10${SALT_AND_HASH}"
ARGON2 = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQxMjM$aGFzaGhhc2hoYXNoaGFzaA"


@cases(
    "hashed",
    BCRYPT,
    f"$2a$04${SALT_AND_HASH}",
    f"$2b$16${SALT_AND_HASH}",
    ARGON2,
    ARGON2.replace("argon2id", "argon2i"),
    ARGON2.replace("argon2id", "argon2d"),
    ARGON2.replace("v=19$", ""),
)
def test_bcrypt_and_argon2_are_taken(hashed: str) -> None:
    """Of every variant that is in use."""
    assert parse_users(f"erp:{hashed}") == {"erp": hashed}


def test_comments_blank_lines_and_foreign_line_ends_do_not_count() -> None:
    """People edit the file on all systems."""
    text = f"# senders\r\n\r\n  \nerp:{BCRYPT}\r\n # old\nMüller x:{ARGON2}\n"
    assert parse_users(text) == {"erp": BCRYPT, "Müller x": ARGON2}


@grouped_cases(
    "told, line",
    ("has no name:hash in line 2", ["erp", f":{BCRYPT}", f"e\x07rp:{BCRYPT}"]),
    ("has the user of line 2 twice", [f"first:{BCRYPT}"]),
    ("has in line 2 a hash that is neither bcrypt nor argon2", ["erp:sesame"]),
    (
        "has in line 2 a hash that is neither",
        [
            "erp:$apr1$sesame$jvBjRYvyrsdcLzGTyhBdM0",
            "erp:{SHA}sesame",
            f"erp:{BCRYPT}x",
            f"erp:{BCRYPT}:x",
            f"erp:$2x$10${SALT_AND_HASH}",
        ],
    ),
    (
        "has in line 2 a bcrypt hash whose cost is not from 4 to 16",
        [f"erp:$2y$03${SALT_AND_HASH}", f"erp:$2y$17${SALT_AND_HASH}"],
    ),
    ("has in line 2 an argon2 hash that takes more than 256 MiB", ["erp:" + ARGON2.replace("65536", "262145")]),
)
def test_anything_else_is_told_by_its_line(line: str, told: str) -> None:
    """And nothing of the line is shown."""
    with pytest.raises(ValueError, match=told) as caught:
        parse_users(f"first:{BCRYPT}\n{line}\n")
    text = str(caught.value)
    assert not any(secret in text for secret in ("sesame", SALT_AND_HASH, "aGFzaGhh", "erp"))


@cases("text", "\n", "# nobody\n")
def test_a_file_of_nobody_is_a_mistake(text: str) -> None:
    """It would lock everybody out."""
    with pytest.raises(ValueError, match="contains no user"):
        parse_users(text)
