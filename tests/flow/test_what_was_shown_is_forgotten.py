"""What senders and upstreams show is not kept in memory after it was needed."""

import gc
from asyncio import AbstractEventLoop
from collections import deque
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

from proxy.app import App
from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.passwords import basic, bcrypt_hash
from tests.fakes.sender import request
from tests.fakes.upstream import Upstream, answer
from tests.flow.running import Running, Serve, document, until

PASSWORD, KEY, COOKIE, OWN = basic("erp", "cAnAryPassword"), b"cAnAryKey", b"cAnAryCookie", b"Basic cAnAryOwn"


def holds(app: App, octets: bytes) -> bool:
    """Whether something that the proxy can reach holds them."""
    seen: set[int] = set()
    ahead: list[object] = [app]
    while ahead:
        each = ahead.pop()
        if id(each) in seen or isinstance(each, (ModuleType, type, AbstractEventLoop)):  # the loop has the fakes too
            continue
        seen.add(id(each))
        if isinstance(each, (bytes, bytearray)) and octets in each:
            return True
        if isinstance(each, str) and octets.decode() in each:
            return True
        # the names of a function's module lead everywhere, and to this test
        ahead += [each.__closure__, each.__defaults__] if isinstance(each, FunctionType) else gc.get_referents(each)
    return False


@pytest.fixture
async def proxy(serve: Serve, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path) -> Running:
    """Routes that want a password, a key, and nothing."""
    (tmp_path / "users").write_text(f"erp:{bcrypt_hash('cAnAryPassword')}\n")
    (tmp_path / "keys").write_text("anotherKey\n")
    configuration = document(upstream, authority)
    (route,) = configuration["routes"]
    by_password = {"basic": {"users_file": str(tmp_path / "users")}}
    by_key = {"api_key": {"field": "X-API-Key", "keys_file": str(tmp_path / "keys")}}
    configuration["routes"] = [
        route,
        route | {"path": "/password", "inbound_auth": by_password},
        route | {"path": "/key", "inbound_auth": by_key},
    ]
    return await serve(configuration)


@cases(
    "octets, status, shown",
    (request(b"POST /password", b"Authorization: " + PASSWORD, body=b"x"), 200, PASSWORD),
    (request(b"POST /key", b"X-API-Key: " + KEY, body=b"x"), 403, KEY),
    (request(b"POST /orders", b"Authorization: " + OWN, body=b"x"), 200, OWN),
    (request(b"POST /orders", b"Cookie: a=" + COOKIE, body=b"x"), 200, COOKIE),
    (request(b"GET /orders?q=cAnAryQuery"), 200, b"cAnAryQuery"),
    (request(b"GET /orders"), 200, b"cAnAryUpstream"),
)
async def test_after_the_answer_nothing_of_it_is_left(
    proxy: Running, upstream: Upstream, octets: bytes, status: int, shown: bytes
) -> None:
    """It may be the sender's or the upstream's."""
    upstream.follow(answer(200, b"Set-Cookie: s=cAnAryUpstream"))
    sender = await proxy.sender()
    assert [(await sender.ask(octets)).status for _ in range(2)] == [status] * 2
    await proxy.accounts(2)
    assert not holds(proxy.app, shown)


async def test_the_search_finds_what_is_on_its_way(proxy: Running, upstream: Upstream) -> None:
    """Else it would find nothing at all."""
    upstream.script = deque()
    sender = await proxy.begin(b"POST /orders HTTP/1.1\r\nHost: proxy.example\r\nX-A: " + COOKIE)
    await until(lambda: holds(proxy.app, COOKIE))
    sender.leave()
