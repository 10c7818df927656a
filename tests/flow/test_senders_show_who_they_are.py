"""Where a route has `inbound_auth`, senders show a password or a key before anything else happens; it stays here."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from proxy.forwarding.auth.password_checks import AT_A_TIME, MOST_OF_ONE
from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.passwords import argon2_hash, basic, bcrypt_hash
from tests.fakes.sender import Answer, request
from tests.fakes.upstream import Upstream
from tests.flow.running import Orders, Running, until

CHALLENGE = [b'Basic realm="cpi-oauth-proxy", charset="UTF-8"']
RIGHT, WRONG = basic("erp", "cAnAryPassword"), basic("erp", "cAnAryWrong")
KEY, WRONG_KEY = b"cAnAryKey+1", b"cAnAryKey+2"


@pytest.fixture
def users_file(tmp_path: Path) -> Path:
    """Two users, of both kinds of hash."""
    path = tmp_path / "users"
    path.write_text(f"# senders\nerp:{bcrypt_hash('cAnAryPassword')}\nMüller:{argon2_hash('öäü')}\n")
    return path


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    """Two keys."""
    path = tmp_path / "keys"
    path.write_text(f"# senders\nother\n{KEY.decode()}\n")
    return path


@pytest.fixture
async def by_password(orders: Orders, users_file: Path) -> Running:
    """A proxy whose senders show name and password."""
    return await orders(inbound_auth={"basic": {"users_file": str(users_file)}})


@pytest.fixture
async def by_key(orders: Orders, keys_file: Path) -> Running:
    """A proxy whose senders show a key."""
    return await orders(inbound_auth={"api_key": {"keys_file": str(keys_file)}})


async def ask(proxy: Running, *fields: bytes) -> Answer:
    """What a sender of these fields gets."""
    return await proxy.ask(request(b"POST /orders", *fields, body=b"x"))


async def look(proxy: Running) -> None:
    """Let the proxy look at its files."""
    for each in proxy.app._resources.authenticators._authenticators.values():
        assert each.files is not None
        await each.files.look()


@contextmanager
def waiting(proxy: Running, count: int = MOST_OF_ONE) -> Iterator[None]:
    """Keep so many checks of our address from ending."""
    go_on = Event()
    for _ in range(count):
        proxy.app._resources.authenticators._checks.begin("127.0.0.1", go_on.wait)
    try:
        yield
    finally:
        go_on.set()


@cases("value, user", (RIGHT, "erp"), (basic("Müller", "öäü"), "Müller"))
async def test_a_right_password_lets_in(by_password: Running, upstream: Upstream, value: bytes, user: str) -> None:
    """The log says who it was."""
    sender = await by_password.sender()
    for _ in range(3):
        answer = await sender.ask(request(b"POST /orders", b"Authorization: " + value, body=b"x"))
        assert answer.status == 200
    assert [received.field(b"Authorization") for received in upstream.requests] == [[b"Bearer token-1"]] * 3
    assert [line["user"] for line in await by_password.accounts(3)] == [user] * 3


@cases(
    "fields, user",
    ((), None),
    ((b"Authorization: " + WRONG,), "erp"),
    ((b"Authorization: " + basic("who", "cAnAryPassword"),), None),
    ((b"Authorization: " + basic("cAnAryPassword", "erp"),), None),
    ((b"Authorization: Bearer cAnAryPassword",), None),
    ((b"Authorization: " + RIGHT, b"Authorization: " + RIGHT), None),
)
async def test_without_a_right_password_there_is_a_challenge(
    by_password: Running,
    upstream: Upstream,
    authority: AuthorizationServer,
    fields: tuple[bytes, ...],
    user: str | None,
) -> None:
    """The log names only known users (RFC 9110 §15.5.2)."""
    refused = await ask(by_password, *fields)
    assert refused.refusal == (401, "credential_missing")
    assert refused.field(b"WWW-Authenticate") == CHALLENGE
    assert (upstream.connections, authority.requests) == (0, [])
    line = await by_password.record()
    assert (line["status"], line["code"], line["route"], line["made_by"]) == (
        401,
        "credential_missing",
        "orders",
        "proxy",
    )
    assert line.get("user") == user


@cases("field", "X-API-Key", "X-Tenant-Key")
async def test_a_right_key_lets_in_and_does_not_go_on(
    orders: Orders, upstream: Upstream, keys_file: Path, field: str
) -> None:
    """The log names nobody."""
    auth = {"api_key": {"field": field, "keys_file": str(keys_file)}}
    proxy = await orders(inbound_auth=auth)
    for name in (field, field.lower()):
        assert (await ask(proxy, f"{name}: ".encode() + KEY)).status == 200
    assert [received.field(field.encode()) for received in upstream.requests] == [[], []]
    assert not any(KEY in received.head for received in upstream.requests)
    assert not any("user" in line for line in await proxy.accounts(2))


async def test_the_upstream_may_have_a_key_of_its_own(orders: Orders, upstream: Upstream, keys_file: Path) -> None:
    """`set_fields` sets it."""
    auth = {"api_key": {"keys_file": str(keys_file)}}
    options: dict[str, Any] = {"inbound_auth": auth, "set_fields": {"X-API-Key": "ours"}, "drop_fields": ["X-API-Key"]}
    proxy = await orders(**options)
    assert (await ask(proxy, b"X-API-Key: " + KEY)).status == 200
    assert upstream.requests[0].field(b"X-API-Key") == [b"ours"]


async def test_the_address_is_looked_at_first(orders: Orders, users_file: Path) -> None:
    """No password is asked for."""
    auth = {"basic": {"users_file": str(users_file)}}
    proxy = await orders(inbound_auth=auth, allow=["192.0.2.0/24"])
    for fields in ((), (b"Authorization: " + RIGHT,)):
        assert (await ask(proxy, *fields)).code == "sender_not_allowed"


async def test_a_message_is_not_delivered_whose_sender_leaves_while_its_password_is_checked(
    by_password: Running, upstream: Upstream
) -> None:
    """It would send it again."""
    with waiting(by_password, AT_A_TIME):
        sender = await by_password.begin(request(b"POST /orders", b"Authorization: " + RIGHT, body=b"x"))
        await until(lambda: [connection.busy for connection in by_password.app.senders] == [True])
        sender.reset()
        await until(lambda: not len(by_password.app.senders))
    line = await by_password.record()
    assert (line["status"], line["code"], upstream.connections) == (499, "sender_left", 0)


async def test_new_users_take_effect_without_a_restart(by_password: Running, users_file: Path) -> None:
    """Old passwords are forgotten."""
    new = b"Authorization: " + basic("erp", "new")
    assert [(await ask(by_password, each)).status for each in (b"Authorization: " + RIGHT, new)] == [200, 401]
    users_file.write_text(f"erp:{bcrypt_hash('new')}")
    await look(by_password)
    assert [(await ask(by_password, each)).status for each in (b"Authorization: " + RIGHT, new)] == [401, 200]


async def test_new_keys_take_effect_without_a_restart(by_key: Running, keys_file: Path) -> None:
    """The old ones are worth nothing."""
    keys_file.write_text("new")
    await look(by_key)
    assert [(await ask(by_key, b"X-API-Key: " + key)).status for key in (KEY, b"new")] == [403, 200]


async def test_a_wrong_file_leaves_everything_as_it_was(by_password: Running, users_file: Path) -> None:
    """The log names the line, and not its content."""
    users_file.write_text("erp:cAnAryPlain")
    await look(by_password)
    assert (await ask(by_password, b"Authorization: " + RIGHT)).status == 200
    (line, *_) = await by_password.lines.reach("inbound_auth.unreadable")
    told = (
        f"the file {users_file} has in line 1 a hash that is neither bcrypt nor argon2; make a new one with"
        " htpasswd -B; the previous content stays active"
    )
    assert (line["level"], line["route"], line["detail"]) == ("warning", "orders", told)
    users_file.unlink()
    await look(by_password)
    assert (await ask(by_password, b"Authorization: " + RIGHT)).status == 200
