"""Passwords and their hashes."""

import subprocess
import sys

import pytest

from proxy.forwarding.auth.password_checks import matches
from tests.fakes.passwords import argon2_hash, bcrypt_hash


@pytest.mark.parametrize("made", [bcrypt_hash, argon2_hash])
def test_a_password_belongs_to_its_hash_alone(made: object) -> None:
    """Of both kinds."""
    assert callable(made)
    hashed = made("päss")
    assert matches(hashed, "päss".encode())
    assert not matches(hashed, b"pass")
    assert not matches(hashed, b"")


@pytest.mark.parametrize("variant", ["$2a$", "$2b$", "$2y$"])
def test_all_variants_of_bcrypt_are_one(variant: str) -> None:
    """They differ in mistakes of old programs only."""
    assert matches(bcrypt_hash("x").replace("$2y$", variant), b"x")


def test_of_a_long_password_bcrypt_reads_the_beginning() -> None:
    """As htpasswd does when it makes the hash."""
    assert matches(bcrypt_hash("x" * 72), b"x" * 100)


@pytest.mark.parametrize(
    "hashed", [f"$2y$04${'.' * 21}9{'9' * 31}", "$argon2id$v=19$m=1,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAA"]
)
def test_nothing_belongs_to_a_broken_hash(hashed: str) -> None:
    """It has the form of one."""
    assert not matches(hashed, b"x")


def test_a_proxy_that_checks_no_passwords_loads_neither_package() -> None:
    """They are loaded with the first check."""
    program = "import sys, proxy.app; print(sorted({'bcrypt', 'argon2', '_argon2_cffi_bindings'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
