"""A running proxy goes on with another configuration: at once for what comes, never for what is on its way."""

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from proxy.server.listener import Listener
from proxy.server.listeners import Listeners, ListenersChange
from proxy.server.sender_transport import LINGER
from tests.fakes.authority import Authority
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.passwords import bcrypt_hash
from tests.fakes.sender import request
from tests.fakes.upstream import Held, Upstream, answer
from tests.flow.running import Document, Serve, configured, document, soon, until

POST = request(b"POST /orders", body=b"x")


@pytest.fixture
async def other() -> AsyncIterator[Upstream]:
    """Another upstream."""
    async with Upstream() as started:
        yield started


def with_route(first: Document, **options: object) -> Document:
    """The document, its route with other options."""
    return first | {"routes": [first["routes"][0] | options]}


async def test_the_next_request_of_a_connection_goes_the_new_way(
    serve: Serve, upstream: Upstream, other: Upstream, authority: AuthorizationServer
) -> None:
    """The same octets as before; the sender notices nothing, and no token is fetched for it."""
    first = document(upstream, authority)
    proxy = await serve(first)
    sender = await proxy.sender()
    assert [(await sender.ask(POST)).status for _ in range(2)] == [200, 200]
    await proxy.reload(with_route(first, upstream=f"{other.url}/http/invoices"))
    assert [(await sender.ask(POST)).status for _ in range(2)] == [200, 200]
    assert [each.target for each in other.requests] == [b"/http/invoices"] * 2
    assert (len(upstream.requests), len(authority.requests)) == (2, 1)


async def test_a_route_comes_and_another_goes(serve: Serve, upstream: Upstream, authority: AuthorizationServer) -> None:
    """Both at the same moment."""
    first = document(upstream, authority)
    proxy = await serve(first)
    sender = await proxy.sender()
    invoices = request(b"POST /invoices", body=b"x")
    assert [(await sender.ask(each)).status for each in (POST, invoices)] == [200, 404]
    await proxy.reload(with_route(first, path="/invoices"))
    assert [(await sender.ask(each)).status for each in (POST, invoices)] == [404, 200]


async def test_what_is_on_its_way_ends_as_it_began(
    serve: Serve, upstream: Upstream, other: Upstream, authority: AuthorizationServer
) -> None:
    """With its upstream, whose connections are not kept after it."""
    held = Held()
    upstream.script = deque([answer(), answer(), held])
    first = document(upstream, authority)
    proxy = await serve(first)
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


async def test_stopping_ends_what_an_earlier_configuration_began(
    serve: Serve, upstream: Upstream, other: Upstream, authority: AuthorizationServer
) -> None:
    """It is told so like any other."""
    upstream.script = deque([Held()])
    first = document(upstream, authority) | {"drain_timeout": 0}
    proxy = await serve(first)
    sender = await proxy.sender()
    await sender.send(POST)
    await upstream.reach(1)
    await proxy.reload(with_route(first, upstream=other.url))
    await soon(proxy.app.stop())
    assert (await sender.answer()).code == "draining"


async def test_connections_and_csrf_tokens_of_what_has_not_changed_are_kept(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """Only what is new begins anew."""
    upstream.script = deque([answer(403, b"X-CSRF-Token: Required"), answer(200, b"X-CSRF-Token: NONCE")])
    first = document(upstream, authority)
    proxy = await serve(first)
    sender = await proxy.sender()
    await sender.ask(POST)
    added = {"path": "/more", "upstream": upstream.url, "oauth_client": "orders"}
    await proxy.reload(first | {"routes": [*first["routes"], added]})
    await sender.ask(POST)
    assert [each.field(b"X-CSRF-Token") for each in upstream.requests[2:]] == [[b"NONCE"]] * 2
    assert upstream.requests[3].connection in {1, 2}  # of the message and of the fetch


async def test_a_changed_oauth_client_has_a_new_token_at_once_and_its_old_one_until_then(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """Nobody waits for it."""
    first = document(upstream, authority)
    proxy = await serve(first)
    sender = await proxy.sender()
    await sender.ask(POST)
    await proxy.reload(document(upstream, authority, client={"client_secret": "other", "scopes": ["a"]}))
    await proxy.lines.reach("token.granted", 2)
    await sender.ask(POST)
    assert [each.form.get("scope") for each in authority.requests] == [None, "a"]
    assert [each.field(b"Authorization") for each in upstream.requests] == [[b"Bearer token-1"], [b"Bearer token-2"]]


async def test_what_a_file_brings_at_the_last_moment_does_not_bring_old_options_back(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who follows the files for the configuration before ends before the new one holds."""
    proxy = await serve(document(upstream, authority))
    (before,) = proxy.app._generation.clients.values()
    follower, client = before.watcher, before.source.client

    async def changing() -> None:
        before.source.credentials_changed(client)

    monkeypatch.setattr(follower, "close", changing)
    await proxy.reload(document(upstream, authority, client={"scopes": ["a"]}))
    await (await proxy.sender()).ask(POST)
    assert authority.requests[-1].form["scope"] == "a"


async def test_another_registration_begins_without_a_token(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """A token of one id is never used for another."""
    proxy = await serve(document(upstream, authority))
    sender = await proxy.sender()
    await sender.ask(POST)
    await proxy.reload(document(upstream, authority, client={"client_id": "another"}))
    await sender.ask(POST)
    assert [each.field(b"Authorization") for each in upstream.requests] == [[b"Bearer token-1"], [b"Bearer token-2"]]


async def test_a_token_on_its_way_is_waited_for_over_a_reload(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """One grant serves who came before and who comes after."""
    first = document(upstream, authority)
    authority.hold = asyncio.Event()
    proxy = await serve(first)
    early, late = await proxy.sender(), await proxy.sender()
    await early.send(POST)
    await until(lambda: authority.requests)
    await proxy.reload(with_route(first, max_body="1KiB"))
    await late.send(POST)
    await until(lambda: sum(each.busy for each in proxy.app.senders) == 2)
    authority.hold.set()
    assert [(await each.answer()).status for each in (early, late)] == [200, 200]
    assert len(authority.requests) == 1


async def test_a_gate_remembers_over_a_reload(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path
) -> None:
    """Else all senders at once would have their passwords checked."""
    (tmp_path / "users").write_text(f"erp:{bcrypt_hash('p')}\n")
    first = with_route(document(upstream, authority), inbound_auth={"basic": {"users_file": "users"}})
    proxy = await serve(first)
    (before,) = proxy.app._generation.routes.values()
    await proxy.reload(with_route(first, max_body="1KiB"))
    (after,) = proxy.app._generation.routes.values()
    assert before is not after
    assert before.gate is after.gate


@pytest.mark.parametrize("wrong", ["taken", "password file", "reuse_port"])
async def test_what_cannot_be_changes_nothing(
    serve: Serve, upstream: Upstream, other: Upstream, authority: AuthorizationServer, tmp_path: Path, wrong: str
) -> None:
    """Whole or not at all: neither the route, nor the address that could be had, nor the limits."""
    first = document(upstream, authority)
    proxy = await serve(first)
    before = proxy.app.configuration
    blocker = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    taken = blocker.sockets[0].getsockname()[1]
    second = with_route(first, upstream=other.url) | {"limits": {"max_connections": 1}}
    if wrong == "taken":
        second["listen"] = ["127.0.0.1:0", f"127.0.0.1:{taken}"]
    elif wrong == "reuse_port":
        second["reuse_port"] = True
    else:
        (tmp_path / "users").write_text(f"erp:{bcrypt_hash('p')}\n")
        second["listen"] = ["127.0.0.1:0", {"address": "127.0.0.1:0", "tls": Authority(tmp_path).listener()}]
    if wrong == "password file":
        with_gate = with_route(second, inbound_auth={"basic": {"users_file": "users"}})
        loaded = await asyncio.to_thread(configured, with_gate, tmp_path / "proxy.yaml")
        (tmp_path / "users").write_text("")
        with pytest.raises(ValueError, match="users"):
            await proxy.apply(loaded)
    else:
        with pytest.raises((OSError, ValueError), match=f"{taken}|reuse_port"):
            await proxy.reload(second)
    senders = [await proxy.sender() for _ in range(2)]
    assert [(await each.ask(POST)).status for each in senders] == [200, 200]
    assert (proxy.app.configuration, other.requests, len(proxy.app.listeners)) == (before, [], 1)
    blocker.close()


async def test_what_fails_in_the_middle_leaves_no_address_behind(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it is a fault of ours."""
    first = document(upstream, authority)
    proxy = await serve(first)
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


async def test_a_fault_in_the_admin_site_leaves_no_address_behind(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes last, when the senders' addresses have been had."""
    first = document(upstream, authority)
    proxy = await serve(first)
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


async def test_pools_of_an_earlier_configuration_are_shown_while_they_serve(
    serve: Serve, upstream: Upstream, other: Upstream, authority: AuthorizationServer
) -> None:
    """Not for as long as something remembers them."""
    held = Held()
    upstream.script = deque([held])
    first = document(upstream, authority)
    proxy = await serve(first)
    sender = await proxy.sender()
    await sender.send(POST)
    await upstream.reach(1)
    remembered = proxy.app.pools
    await proxy.reload(with_route(first, upstream=other.url))
    assert len(proxy.app.pools) == 2
    held.go.set()
    await sender.answer()
    await until(lambda: remembered[0].leased == 0)
    assert [str(each.origin) for each in proxy.app.pools] == [f"127.0.0.1:{other.port}"]


async def test_a_listener_comes_and_another_goes(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """Idle connections of the one that goes end; what is on its way over it is answered."""
    held = Held()
    upstream.script = deque([answer(), held])
    first = document(upstream, authority)
    proxy = await serve(first)
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


async def test_a_listener_that_lets_in_others_asks_who_is_there_to_come_again(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """Its address stays, and nobody past the new fence is served any more."""
    first = document(upstream, authority)
    proxy = await serve(first)
    port, sender = proxy.port, await proxy.sender()
    await sender.ask(POST)
    await proxy.reload(first | {"listen": {"address": "127.0.0.1:0", "allow": ["192.0.2.0/24"]}})
    assert proxy.port == port
    assert await sender.rest() == b""
    assert (await (await proxy.sender()).answer()).code == "sender_not_allowed"
    assert len(upstream.requests) == 1


async def test_a_listener_may_begin_to_speak_tls(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, issuer: Authority
) -> None:
    """At the same address, and back."""
    first = document(upstream, authority)
    proxy = await serve(first)
    await (await proxy.sender()).ask(POST)
    await proxy.reload(first | {"listen": {"address": "127.0.0.1:0", "tls": issuer.listener()}})
    assert (await (await proxy.sender(tls=issuer.trusting())).ask(POST)).status == 200
    await proxy.reload(first)
    assert (await (await proxy.sender()).ask(POST)).status == 200


async def test_limits_hold_for_who_is_there_too(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """The connection stays, and its next request has the new time."""
    first = document(upstream, authority)
    proxy = await serve(first)
    sender = await proxy.sender()
    await sender.ask(POST)
    await proxy.reload(first | {"limits": {"idle_timeout": 1, "max_connections": 1}})
    assert (await (await proxy.sender()).answer()).code == "overloaded"
    await sender.ask(POST)
    proxy.clock.advance(1.5)
    assert await sender.rest() == b""


async def test_the_admin_address_moves(serve: Serve, upstream: Upstream, authority: AuthorizationServer) -> None:
    """It is at the new place before it is gone from the old one."""
    first = document(upstream, authority)
    proxy = await serve(first)
    before = proxy.app.admin.port
    await proxy.reload(first | {"admin": "127.0.0.2:0"})
    reader, writer = await asyncio.open_connection("127.0.0.2", proxy.app.admin.port)
    writer.write(b"GET /readyz HTTP/1.0\r\nHost: 127.0.0.2\r\n\r\n")
    assert b"200 OK" in await reader.read()
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", before)


async def test_new_certificates_of_an_upstream_are_read(
    serve: Serve, authority: AuthorizationServer, tmp_path: Path
) -> None:
    """The same path with another content is another trust."""
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
