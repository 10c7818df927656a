"""Slow checks in threads, and what they compare."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from threading import Event

import pytest

from proxy.errors import Overloaded
from proxy.forwarding.auth.password_checks import AT_A_TIME, MOST, MOST_OF_ONE, PasswordChecks, matches
from tests.cases import cases
from tests.fakes.passwords import argon2_hash, bcrypt_hash


@pytest.fixture
async def checks() -> AsyncIterator[PasswordChecks]:
    """Ended after the test."""
    running = PasswordChecks()
    yield running
    await running.close()


async def test_a_check_says_what_it_finds(checks: PasswordChecks) -> None:
    """Correct and wrong passwords are told apart."""
    found = [checks.begin("192.0.2.1", lambda: True), checks.begin("192.0.2.1", lambda: False)]
    assert await asyncio.gather(*found) == [True, False]


@cases("host, other", ("192.0.2.1", "192.0.2.2"), ("2001:db8::{}", "2001:db8:0:1::1"))
async def test_one_sender_takes_a_part_of_the_queue_only(checks: PasswordChecks, host: str, other: str) -> None:
    """One of IPv6 may use a whole /64; finished checks make room."""
    go_on = Event()
    begun = [checks.begin(host.format(number), go_on.wait) for number in range(MOST_OF_ONE)]
    try:
        with pytest.raises(Overloaded, match="Too many passwords"):
            checks.begin(host.format("ffff"), go_on.wait)
        begun.append(checks.begin(other, go_on.wait))
    finally:
        go_on.set()
    await asyncio.gather(*begun)
    assert await checks.begin(host.format("ffff"), lambda: True)


async def test_the_queue_has_an_end(checks: PasswordChecks) -> None:
    """The number of senders does not matter."""
    go_on = Event()
    begun = [checks.begin(f"192.0.2.{number}", go_on.wait) for number in range(MOST)]
    with pytest.raises(Overloaded):
        checks.begin("198.51.100.1", go_on.wait)
    go_on.set()
    await asyncio.gather(*begun)


async def test_what_waits_at_the_end_is_cancelled(checks: PasswordChecks) -> None:
    """Running checks are finished."""
    go_on = Event()
    begun = [checks.begin("192.0.2.1", go_on.wait) for _ in range(AT_A_TIME + 1)]
    closing = asyncio.ensure_future(checks.close())
    with pytest.raises(asyncio.CancelledError):
        await begun[-1]
    go_on.set()
    await closing
    assert await asyncio.gather(*begun[:-1]) == [True] * AT_A_TIME


@cases("made", bcrypt_hash, argon2_hash)
def test_a_password_belongs_to_its_hash_alone(made: object) -> None:
    """This holds for bcrypt and argon2."""
    assert callable(made)
    hashed = made("päss")
    assert matches(hashed, "päss".encode())
    assert not matches(hashed, b"pass")
    assert not matches(hashed, b"")


@cases("variant", "$2a$", "$2b$", "$2y$")
def test_all_variants_of_bcrypt_are_one(variant: str) -> None:
    """They differ in bugs of old programs only."""
    assert matches(bcrypt_hash("x").replace("$2y$", variant), b"x")


def test_of_a_long_password_bcrypt_reads_the_beginning() -> None:
    """Htpasswd does so too."""
    assert matches(bcrypt_hash("x" * 72), b"x" * 100)


@cases("hashed", f"$2y$04${'.' * 21}9{'9' * 31}", "$argon2id$v=19$m=1,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAA")
def test_nothing_belongs_to_a_broken_hash(hashed: str) -> None:
    """Its form is correct."""
    assert not matches(hashed, b"x")


def test_a_proxy_that_checks_no_passwords_loads_neither_package() -> None:
    """The first check loads them."""
    program = "import sys, proxy.app; print(sorted({'bcrypt', 'argon2', '_argon2_cffi_bindings'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
