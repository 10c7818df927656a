"""A reload applies to the next request at once, and never to an exchange that is running."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from proxy.server.listener import Listener
from proxy.server.listeners import Listeners, ListenersChange
from proxy.server.sender_transport import LINGER
from tests.cases import cases
from tests.fakes.authority import Authority
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.passwords import bcrypt_hash
from tests.fakes.upstream import Held, Upstream, answer
from tests.flow.running import POST, Document, Running, Serve, configured, document, soon, until


@pytest.fixture
async def other() -> AsyncIterator[Upstream]:
    """Another upstream."""
    async with Upstream() as started:
        yield started


@pytest.fixture
async def proxy(serve: Serve, first: Document) -> Running:
    """A proxy with the first configuration."""
    return await serve(first)


def with_route(first: Document, **options: object) -> Document:
    """The configuration, its route with other options."""
    return first | {"routes": [first["routes"][0] | options]}


def tokens(upstream: Upstream) -> list[bytes]:
    """The Authorization fields that the upstream received."""
    return [value for each in upstream.requests for value in each.field(b"Authorization")]


async def test_the_next_request_on_a_connection_goes_to_the_new_upstream(
    proxy: Running, first: Document, upstream: Upstream, other: Upstream, authority: AuthorizationServer
) -> None:
    """The connection and the token stay."""
    sender = await proxy.sender()
    assert [(await sender.ask(POST)).status for _ in range(2)] == [200, 200]
    await proxy.reload(with_route(first, upstream=f"{other.url}/http/invoices"))
    assert [(await sender.ask(POST)).status for _ in range(2)] == [200, 200]
    assert [each.target for each in other.requests] == [b"/http/invoices"] * 2
    assert len(upstream.requests) == 2
    assert len(authority.requests) == 1


async def test_a_running_exchange_finishes_at_its_first_upstream(
    proxy: Running, first: Document, upstream: Upstream, other: Upstream
) -> None:
    """Its connections are not kept."""
    upstream.follow(answer(), answer(), held := Held())
    idle, sender = await proxy.sender(), await proxy.sender()
    await asyncio.gather(idle.ask(POST), sender.ask(POST))
    await sender.send(POST)
    await upstream.reach(3)
    await proxy.reload(with_route(first, upstream=other.url))
    await until(lambda: sum(pool.idle for pool in proxy.app.pools) == 0)
    assert (await idle.ask(POST)).status == 200
    held.go.set()
    assert (await sender.answer()).body == b"done"
    assert [each.target for each in other.requests] == [b"/"]
    await until(lambda: all(pool.leased == 0 for pool in proxy.app.pools))
    assert sum(pool.idle for pool in proxy.app.pools) == 1


async def test_stopping_ends_exchanges_of_an_earlier_configuration(
    serve: Serve, first: Document, upstream: Upstream, other: Upstream
) -> None:
    """They are told as all others."""
    upstream.follow(Held())
    proxy = await serve(first | {"drain_timeout": 0})
    sender = await proxy.begin()
    await upstream.reach(1)
    await proxy.reload(with_route(first, upstream=other.url) | {"drain_timeout": 0})
    await soon(proxy.app.stop())
    assert (await sender.answer()).code == "draining"


async def test_an_unchanged_route_keeps_its_connections_and_csrf_token(
    proxy: Running, first: Document, upstream: Upstream
) -> None:
    """A route that is added does not affect it."""
    upstream.follow(answer(403, b"X-CSRF-Token: Required"), answer(200, b"X-CSRF-Token: NONCE"))
    sender = await proxy.sender()
    await sender.ask(POST)
    added = {"path": "/more", "upstream": upstream.url, "oauth_client": "orders"}
    await proxy.reload(first | {"routes": [*first["routes"], added]})
    await sender.ask(POST)
    assert [each.field(b"X-CSRF-Token") for each in upstream.requests[2:]] == [[b"NONCE"]] * 2
    assert upstream.requests[3].connection in {1, 2}  # of the message and of the fetch


async def test_a_changed_oauth_client_gets_a_new_token_in_the_background(
    proxy: Running, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """Exchanges use the old one until then."""
    sender = await proxy.sender()
    await sender.ask(POST)
    await proxy.reload(document(upstream, authority, client={"client_secret": "other", "scopes": ["a"]}))
    await proxy.lines.reach("token.granted", 2)
    await sender.ask(POST)
    assert [each.form.get("scope") for each in authority.requests] == [None, "a"]
    assert tokens(upstream) == [b"Bearer token-1", b"Bearer token-2"]


async def test_a_late_change_of_a_file_does_not_restore_old_options(
    proxy: Running, upstream: Upstream, authority: AuthorizationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old watchers end first."""
    generation = proxy.app._generation
    (before,) = generation.clients.values()
    client = before.source.client

    async def changing() -> None:
        generation._renew(before.source, client)

    monkeypatch.setattr(before.watcher, "close", changing)
    await proxy.reload(document(upstream, authority, client={"scopes": ["a"]}))
    await proxy.ask(POST)
    assert authority.requests[-1].form["scope"] == "a"


async def test_another_client_id_starts_without_a_token(
    proxy: Running, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """The token of one id is never used for another."""
    sender = await proxy.sender()
    await sender.ask(POST)
    await proxy.reload(document(upstream, authority, client={"client_id": "another"}))
    await sender.ask(POST)
    assert tokens(upstream) == [b"Bearer token-1", b"Bearer token-2"]


async def test_one_grant_serves_exchanges_before_and_after_a_reload(
    proxy: Running, first: Document, authority: AuthorizationServer
) -> None:
    """Both wait for it."""
    authority.hold = asyncio.Event()
    early, late = await proxy.sender(), await proxy.sender()
    await early.send(POST)
    await until(lambda: authority.requests)
    await proxy.reload(with_route(first, max_body="1KiB"))
    await late.send(POST)
    await until(lambda: sum(each.busy for each in proxy.app.senders) == 2)
    authority.hold.set()
    assert [(await each.answer()).status for each in (early, late)] == [200, 200]
    assert len(authority.requests) == 1


async def test_a_changed_route_keeps_its_authenticator(serve: Serve, first: Document, tmp_path: Path) -> None:
    """Otherwise all passwords would be checked at once."""
    (tmp_path / "users").write_text(f"erp:{bcrypt_hash('p')}\n")
    first = with_route(first, inbound_auth={"basic": {"users_file": "users"}})
    proxy = await serve(first)
    (before,) = proxy.app._generation.routes.values()
    await proxy.reload(with_route(first, max_body="1KiB"))
    (after,) = proxy.app._generation.routes.values()
    assert before is not after
    assert before.authenticator is after.authenticator


@cases("wrong", "taken", "password file", "reuse_port")
async def test_a_reload_that_fails_changes_nothing(
    proxy: Running, first: Document, other: Upstream, tmp_path: Path, wrong: str
) -> None:
    """Not even what could have changed."""
    before = proxy.app.configuration
    blocker = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    taken = blocker.sockets[0].getsockname()[1]
    users = tmp_path / "users"
    users.write_text(f"erp:{bcrypt_hash('p')}\n")
    second = with_route(first, upstream=other.url) | {"limits": {"max_connections": 1}}
    if wrong == "taken":
        second["listen"] = ["127.0.0.1:0", f"127.0.0.1:{taken}"]
    elif wrong == "reuse_port":
        second["reuse_port"] = True
    else:
        second = with_route(second, inbound_auth={"basic": {"users_file": "users"}})
        second["listen"] = ["127.0.0.1:0", {"address": "127.0.0.1:0", "tls": Authority(tmp_path).listener()}]
    loaded = await asyncio.to_thread(configured, second, tmp_path / "proxy.yaml")
    users.write_text("")
    with pytest.raises((OSError, ValueError), match=f"{taken}|reuse_port|users"):
        await proxy.apply(loaded)
    senders = [await proxy.sender() for _ in range(2)]
    assert [(await each.ask(POST)).status for each in senders] == [200, 200]
    assert proxy.app.configuration == before
    assert other.requests == []
    assert len(proxy.app.listeners) == 1
    blocker.close()


async def test_a_fault_between_two_addresses_releases_the_first(
    proxy: Running, first: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same holds for every kind of exception."""
    bound: list[Listener] = []
    bind = Listener.bind

    def failing(self: Listener, handed: list[socket.socket], *, reuse_port: bool) -> None:
        if bound:
            raise RuntimeError("a fault")
        bind(self, handed, reuse_port=reuse_port)
        bound.append(self)

    monkeypatch.setattr(Listener, "bind", failing)
    with pytest.raises(RuntimeError):
        await proxy.reload(first | {"listen": ["127.0.0.1:0", "127.0.0.2:0", "127.0.0.3:0"]})
    assert [each.port for each in bound] == [0]


async def test_a_fault_in_the_admin_site_releases_the_senders_addresses(
    proxy: Running, first: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The admin address is opened last."""
    changes: list[ListenersChange] = []
    prepare = Listeners.prepare

    def kept(*given: Any, **options: Any) -> ListenersChange:
        changes.append(prepare(*given, **options))
        return changes[0]

    monkeypatch.setattr(Listeners, "prepare", kept)
    monkeypatch.setattr("proxy.app.lifecycle.open_site", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        await proxy.reload(first | {"listen": ["127.0.0.1:0", "127.0.0.2:0"], "admin": "127.0.0.3:0"})
    assert [each.port for each in changes[0].opened] == [0]


async def test_a_listener_is_added_and_another_removed(proxy: Running, first: Document, upstream: Upstream) -> None:
    """A running exchange is answered."""
    upstream.follow(answer(), held := Held())
    idle, busy, port = await proxy.sender(), await proxy.sender(), proxy.port
    await idle.ask(POST)
    await busy.send(POST)
    await upstream.reach(2)
    await proxy.reload(first | {"listen": "127.0.0.2:0"})
    proxy.clock.advance(LINGER)
    assert await idle.rest() == b""
    with pytest.raises(ConnectionRefusedError):
        await proxy.sender(port)
    _, writer = await asyncio.open_connection("127.0.0.2", proxy.port)
    writer.close()
    held.go.set()
    assert (await busy.answer()).field(b"Connection") == [b"close"]


async def test_a_listener_that_admits_others_ends_its_connections(
    proxy: Running, first: Document, upstream: Upstream
) -> None:
    """Its address stays."""
    port, sender = proxy.port, await proxy.sender()
    await sender.ask(POST)
    await proxy.reload(first | {"listen": {"address": "127.0.0.1:0", "allow": ["192.0.2.0/24"]}})
    assert proxy.port == port
    assert await sender.rest() == b""
    assert (await (await proxy.sender()).answer()).code == "sender_not_allowed"
    assert len(upstream.requests) == 1


async def test_a_listener_can_switch_to_tls_and_back(proxy: Running, first: Document, issuer: Authority) -> None:
    """Its address stays."""
    await proxy.ask(POST)
    await proxy.reload(first | {"listen": {"address": "127.0.0.1:0", "tls": issuer.listener()}})
    assert (await (await proxy.sender(tls=issuer.trusting())).ask(POST)).status == 200
    await proxy.reload(first)
    assert (await proxy.ask(POST)).status == 200


async def test_limits_apply_to_existing_connections(proxy: Running, first: Document) -> None:
    """The next request has the new timeout."""
    sender = await proxy.sender()
    await sender.ask(POST)
    await proxy.reload(first | {"limits": {"idle_timeout": 1, "max_connections": 1}})
    assert (await (await proxy.sender()).answer()).code == "overloaded"
    await sender.ask(POST)
    proxy.clock.advance(1.5)
    assert await sender.rest() == b""


async def test_the_admin_address_can_change(proxy: Running, first: Document) -> None:
    """The old one is closed."""
    before = proxy.app.admin.port
    await proxy.reload(first | {"admin": "127.0.0.2:0"})
    reader, writer = await asyncio.open_connection("127.0.0.2", proxy.app.admin.port)
    writer.write(b"GET /readyz HTTP/1.0\r\nHost: 127.0.0.2\r\n\r\n")
    assert b"200 OK" in await reader.read()
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", before)


async def test_an_upstreams_certificate_file_is_read_again(
    serve: Serve, authority: AuthorizationServer, tmp_path: Path
) -> None:
    """The configuration itself need not change."""
    old, new = trustme.CA(), trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    new.issue_cert("127.0.0.1").configure_cert(tls)
    ca_file = tmp_path / "ca.pem"
    old.cert_pem.write_to_path(ca_file)
    async with Upstream(tls=tls) as upstream:
        first = document(upstream, authority, tls={"ca_file": str(ca_file)})
        proxy = await serve(first)
        sender = await proxy.sender()
        assert (await sender.ask(POST)).status == 502
        new.cert_pem.write_to_path(ca_file)
        await proxy.reload(first)
        assert (await sender.ask(POST)).status == 200
