"""Names and passwords, with checks in memory."""

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from proxy.errors import CredentialMissing, Draining, SenderLeft
from proxy.forwarding.auth.basic import MOST_CACHED, BasicAuthenticator
from proxy.forwarding.auth.password_checks import PasswordChecks
from tests.cases import cases
from tests.fakes.passwords import basic, bcrypt_hash
from tests.unit.forwarding.world import MemorySender, request, turns

USERS = {"erp": bcrypt_hash("right"), "mes": bcrypt_hash("other")}


class MemoryChecks:
    """Runs checks in the next turn, or never."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, Callable[[], bool], asyncio.Future[bool]]] = []
        self.is_prompt = True
        self.verdict: bool | None = None
        "Of all checks, in place of their own."

    def begin(self, address: str, check: Callable[[], bool]) -> "asyncio.Future[bool]":
        """Notes it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bool] = loop.create_future()
        self.begun.append((address, check, future))
        if self.is_prompt:
            loop.call_soon(lambda: future.set_result(check() if self.verdict is None else self.verdict))
        return future


class World:
    """An authenticator and its checks."""

    def __init__(self) -> None:
        self.checks = MemoryChecks()
        self.authenticator = BasicAuthenticator(cast("PasswordChecks", self.checks))
        self.authenticator.update_users(USERS)

    async def ask(self, *values: bytes, sender: MemorySender | None = None) -> str:
        """Authenticates with these field values."""
        fields = [(b"authorization", value) for value in values]
        return await self.authenticator.authenticate(request("POST /orders", *fields, sender=sender), "192.0.2.7")


@pytest.fixture
def world() -> World:
    """Two users."""
    return World()


async def test_a_correct_password_is_cached(world: World) -> None:
    """The second request needs no check."""
    assert [await world.ask(basic("erp", "right")) for _ in range(3)] == ["erp"] * 3
    assert [address for address, *_ in world.checks.begun] == ["192.0.2.7"]


@cases("value", basic("erp", "wrong"), basic("erp", "other"), basic("who", "right"), basic("", "right"))
async def test_each_wrong_password_costs_a_check(world: World, value: bytes) -> None:
    """Unknown names are checked too."""
    for _ in range(2):
        with pytest.raises(CredentialMissing):
            await world.ask(value)
    assert len(world.checks.begun) == 2


@cases("values", (), (b"Bearer x",), (basic("erp", "right"), basic("erp", "right")))
async def test_what_shows_no_password_costs_none(world: World, values: tuple[bytes, ...]) -> None:
    """Two fields are ambiguous."""
    with pytest.raises(CredentialMissing):
        await world.ask(*values)
    assert world.checks.begun == []


async def test_before_there_are_users_everyone_is_refused() -> None:
    """The password does not matter."""
    authenticator = BasicAuthenticator(cast("PasswordChecks", MemoryChecks()))
    with pytest.raises(CredentialMissing):
        await authenticator.authenticate(
            request("POST /orders", (b"authorization", basic("erp", "right"))), "192.0.2.7"
        )


async def test_one_check_serves_all_that_show_the_same(world: World) -> None:
    """A sender may begin with many connections."""
    world.checks.is_prompt = False
    asked = [asyncio.ensure_future(world.ask(basic("erp", "right"))) for _ in range(20)]
    await turns()
    ((_, _, check),) = world.checks.begun
    check.set_result(True)
    assert await asyncio.gather(*asked) == ["erp"] * 20


async def test_a_sender_that_left_meanwhile_gets_no_answer(world: World) -> None:
    """Its message is not sent."""
    sender = MemorySender()
    sender.left = True
    with pytest.raises(SenderLeft):
        await world.ask(basic("erp", "right"), sender=sender)


async def test_the_same_users_again_change_nothing(world: World) -> None:
    """The cache is kept."""
    await world.ask(basic("erp", "right"))
    world.authenticator.update_users(dict(USERS))
    await world.ask(basic("erp", "right"))
    assert len(world.checks.begun) == 1


async def test_a_check_against_old_users_is_not_cached_with_the_new(world: World) -> None:
    """The next one is checked anew."""
    world.checks.is_prompt = False
    asked = asyncio.ensure_future(world.ask(basic("erp", "right")))
    await turns()
    world.authenticator.update_users({"erp": bcrypt_hash("new")})
    world.checks.begun[0][2].set_result(True)
    assert await asked == "erp"
    world.checks.is_prompt = True
    with pytest.raises(CredentialMissing):
        await world.ask(basic("erp", "right"))


async def test_a_check_that_is_cancelled_means_that_the_proxy_stops(world: World) -> None:
    """The answer tells it."""
    world.checks.is_prompt = False
    asked = asyncio.ensure_future(world.ask(basic("erp", "right")))
    await turns()
    world.checks.begun[0][2].cancel()
    with pytest.raises(Draining):
        await asked


async def test_memory_is_bounded(world: World) -> None:
    """The least recently used entry is dropped."""
    names = [f"user{number}" for number in range(MOST_CACHED + 1)]
    world.authenticator.update_users(dict.fromkeys(names, USERS["erp"]))
    world.checks.verdict = True
    for name in [*names[:-1], names[0], names[-1]]:
        await world.ask(basic(name, "right"))
    begun = len(world.checks.begun)
    await world.ask(basic(names[0], "right"))
    assert len(world.checks.begun) == begun == len(names)
    await world.ask(basic(names[1], "right"))
    assert len(world.checks.begun) == begun + 1


def test_a_repr_shows_no_hash(world: World) -> None:
    """The repr has the number of users."""
    assert repr(world.authenticator) == "<BasicAuthenticator 2 users>"
