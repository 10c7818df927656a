"""The file with the admin token."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from proxy.config.admin_token import read_admin_token
from tests.cases import cases, grouped_cases
from tests.unit.config.entries import complaints, understand, written

ADMIN = {"address": "127.0.0.1:9901", "token_file": "token"}


def test_the_file_is_named_beside_the_address() -> None:
    """The short form is an address alone, without a file."""
    found = understand(written(admin=ADMIN), files={"token": "0123456789abcdef"}).admin
    assert (str(found.address), found.token_file) == ("127.0.0.1:9901", Path("/etc/test/token"))
    assert understand(written(admin="127.0.0.1:1")).admin.token_file is None


@cases("token", "0123456789abcdef", "a" * 4096, "AZaz09-._~+/0123==")
def test_a_token_is_what_bearer_can_carry(token: str) -> None:
    """RFC 6750 §2.1."""
    assert read_admin_token(Path("token"), lambda _: SecretStr(token)) == token


@grouped_cases(
    "told, token",
    ("has fewer than 16 characters; write a longer token (openssl rand -hex 32)", ["0123456789abcde"]),
    (
        "is not a valid token; write letters, digits and -._~+/ in one line",
        [
            "0123456789abcdef ",
            " 0123456789abcdef",
            "0123456789abcdef\n0123456789abcdef",
            "0123456789abcdéf",
            "0123456789=abcdef",
        ],
    ),
)
def test_what_is_wrong_is_said_without_the_token(token: str, told: str) -> None:
    """By `check`, at the option, and when the file changes."""
    (problem,) = complaints(written(admin=ADMIN), files={"token": token})
    assert problem == f"proxy.yaml:1: admin.token_file: the file /etc/test/token {told}"
    with pytest.raises(ValueError, match="the file") as caught:
        read_admin_token(Path("/etc/test/token"), lambda _: SecretStr(token))
    assert str(caught.value) == f"the file /etc/test/token {told}"
