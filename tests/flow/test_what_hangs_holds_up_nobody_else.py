"""A name or a file that hangs: other routes, other OAuth clients, a reload and a stop do not wait for it."""

import asyncio
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy.config import file_threads
from proxy.config.file_threads import FileHangs
from proxy.config.inbound_files import read_keys
from proxy.forwarding import spool
from proxy.forwarding.auth import authenticators
from proxy.oauth import credential_watcher, endpoint
from proxy.oauth.credentials import with_secrets
from proxy.oauth.trust import own_trust
from proxy.server import sockets
from proxy.server.listener import Listener
from tests.cases import cases
from tests.fakes.authority import Authority
from tests.fakes.dns import Dns, faked
from tests.fakes.sender import Sender, request
from tests.fakes.upstream import PATIENCE, Upstream
from tests.flow.running import POST, Document, Orders, Serve, soon, turns, until

MANY = 12
"More than the threads that asyncio shares among all."


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dns]:
    """Knows all names; `hangs.example` hangs."""
    with faked(monkeypatch) as made:
        made.hang("hangs.example")
        yield made


def beside(first: Document, name: str, **options: Any) -> Document:
    """The document with one more route."""
    route = first["routes"][0] | {"path": f"/{name}"} | options
    return first | {"routes": [*first["routes"], route]}


async def asking(proxy: Any, path: bytes, count: int = MANY) -> list[Sender]:
    """Senders whose messages are on their way."""
    senders = [await proxy.sender() for _ in range(count)]
    for each in senders:
        await each.send(request(b"POST " + path, body=b"x"))
    return senders


@cases(
    "hanging",
    {
        "an upstream": {"upstream": "http://hangs.example:1"},
        "a corporate proxy": {"upstream": "https://u.example:1", "proxy_url": "http://hangs.example:3128"},
    },
)
async def test_the_name_of_a_server_that_hangs_holds_up_its_own_route_only(
    hanging: Document, serve: Serve, first: Document, upstream: Upstream, dns: Dns
) -> None:
    """Whoever waits is told of the stop."""
    by_name = {"upstream": f"http://u.example:{upstream.port}"}
    options = {"insecure": True}
    proxy = await serve(
        beside(beside(first, "name", **by_name, **options), "hangs", **hanging, **options) | {"drain_timeout": 0}
    )
    waiting = await asking(proxy, b"/hangs")
    await dns.begun("hangs.example")
    for path in (b"/orders", b"/name"):
        async with asyncio.timeout(PATIENCE):
            assert (await proxy.ask(request(b"POST " + path, body=b"x"))).status == 200
    assert dns.asked.count("hangs.example") == 1
    await soon(proxy.app.stop())
    assert {answer.refusal for answer in [await each.answer() for each in waiting]} == {(503, "draining")}


async def test_the_name_of_a_token_endpoint_that_hangs_holds_up_its_own_oauth_client_only(
    serve: Serve, first: Document, dns: Dns
) -> None:
    """Whoever waits is told of the stop."""
    other = first["oauth_clients"]["orders"] | {"token_url": "http://hangs.example/t", "insecure": True}
    clients = {"oauth_clients": first["oauth_clients"] | {"other": other}, "drain_timeout": 0}
    proxy = await serve(beside(first, "hangs", oauth_client="other") | clients)
    waiting = await asking(proxy, b"/hangs")
    await dns.begun("hangs.example")
    assert (await proxy.ask(POST)).status == 200
    await soon(proxy.app.stop())
    assert {answer.refusal for answer in [await each.answer() for each in waiting]} == {(503, "draining")}
    assert proxy.lines.named("exchange.crashed") == []


class Hanging:
    """Runs a function when it is let go."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function, self._go = function, threading.Event()
        self._changed = threading.Condition()
        self._begun = self._running = 0
        self.late: list[Any] = []

    def __call__(self, *given: Any, **options: Any) -> Any:
        """Hang, then do it."""
        self._count(1)
        assert self._go.wait(PATIENCE)
        self.late.append(result := self._function(*given, **options))
        self._count(-1)
        return result

    async def begun(self, count: int = 1) -> None:
        """Wait until it hangs in so many threads."""
        assert await asyncio.to_thread(self._wait, lambda: self._begun >= count)

    async def release(self) -> None:
        """Let it go on, and wait until it has returned in each thread."""
        self._go.set()
        assert await asyncio.to_thread(self._wait, lambda: self._begun and not self._running)
        await turns()

    def _count(self, change: int) -> None:
        with self._changed:
            self._running += change
            self._begun += change > 0
            self._changed.notify_all()

    def _wait(self, fact: Callable[[], object]) -> object:
        with self._changed:
            return self._changed.wait_for(fact, PATIENCE)


async def test_a_reload_whose_files_hang_is_refused_and_the_next_one_is_taken(
    serve: Serve, first: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is read too late changes nothing."""
    proxy = await serve(first)
    monkeypatch.setattr(proxy.app._threads, "_limit", 0.01)
    hanging = Hanging(with_secrets)
    with monkeypatch.context() as patch:
        patch.setattr(credential_watcher, "with_secrets", hanging)
        with pytest.raises(FileHangs, match="did not answer"):
            await proxy.reload(beside(first, "late"))
    monkeypatch.setattr(proxy.app._threads, "_limit", PATIENCE)
    await proxy.reload(beside(first, "next"))
    await hanging.release()
    statuses = [
        (await proxy.ask(request(b"POST " + path, body=b"x"))).status for path in (b"/orders", b"/late", b"/next")
    ]
    assert statuses == [200, 404, 200]


async def test_a_reload_that_was_given_up_adds_no_gate_when_its_file_answers(
    serve: Serve, first: Document, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A later reload reads its file anew."""
    keys = tmp_path / "keys"
    keys.write_text("first-key\n")
    wanted = beside(first, "late", inbound_auth={"api_key": {"keys_file": str(keys)}})
    proxy = await serve(first)
    monkeypatch.setattr(proxy.app._threads, "_limit", 0.01)
    threads = proxy.app._threads._threads
    monkeypatch.setattr(threads, "_most", 1)
    hanging = Hanging(read_keys)
    with monkeypatch.context() as patch:
        patch.setattr(authenticators, "read_keys", hanging)
        with pytest.raises(FileHangs):
            await proxy.reload(wanted)
    await hanging.release()
    await threads.submit(lambda: None)  # behind the reload, in the same thread
    assert proxy.app._resources.authenticators._authenticators == {}
    monkeypatch.setattr(proxy.app._threads, "_limit", PATIENCE)
    keys.write_text("second-key\n")
    await proxy.reload(wanted)
    asked = request(b"POST /late", b"X-API-Key: second-key", body=b"x")
    assert (await proxy.ask(asked)).status == 200


async def test_addresses_that_are_bound_too_late_are_free_again(
    serve: Serve, first: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS may hang for a listener's name."""
    proxy = await serve(first)
    monkeypatch.setattr(file_threads, "LIMIT", 0.01)
    monkeypatch.setattr(proxy.app._threads, "_limit", 0.01)
    hanging, admin = Hanging(proxy.app._listeners.prepare), Hanging(sockets.listening)
    with monkeypatch.context() as patch:
        patch.setattr(proxy.app._listeners, "prepare", hanging)
        with pytest.raises(FileHangs):
            await proxy.reload(first | {"listen": ["127.0.0.1:0", "127.0.0.2:0"]})
    await hanging.release()
    assert [each.port for each in hanging.late[0].opened] == [0]
    monkeypatch.setattr(proxy.app._threads, "_limit", PATIENCE)
    with monkeypatch.context() as patch:
        patch.setattr(sockets, "listening", admin)
        with pytest.raises(OSError, match=r"`admin` 127\.0\.0\.3:0: a file server or DNS did not answer"):
            await proxy.reload(first | {"admin": "127.0.0.3:0"})
    await admin.release()
    assert [each.fileno() for each in admin.late[0]] == [-1]
    assert (await proxy.ask_admin("/readyz"))[0] == 200


async def test_certificates_of_an_oauth_client_that_hang_hold_up_its_own_grants_only(
    serve: Serve, first: Document, monkeypatch: pytest.MonkeyPatch, issuer: Authority
) -> None:
    """It is told what hangs."""
    other = first["oauth_clients"]["orders"] | {"tls": {"ca_file": str(issuer.ca_file())}}
    clients = {"oauth_clients": first["oauth_clients"] | {"other": other}}
    hanging = Hanging(own_trust)
    monkeypatch.setattr(endpoint, "own_trust", hanging)
    proxy = await serve(beside(first, "hangs", oauth_client="other") | clients)
    granter: Any = proxy.app.state().sources["other"]._granter
    monkeypatch.setattr(granter._endpoint._threads, "_limit", 0.01)
    refused = await proxy.ask(request(b"POST /hangs", body=b"x"))
    assert refused.refusal == (503, "grant_unavailable")
    assert "cannot be used (a file server or DNS did not answer within 0.01 s)" in refused.problem["detail"]
    assert (await proxy.ask(POST)).status == 200
    await hanging.release()


async def test_a_disk_that_hangs_holds_up_spooled_bodies_only(
    serve: Serve, first: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other routes go on, and so does the stop."""
    hanging = Hanging(tempfile.TemporaryFile)
    monkeypatch.setattr(tempfile, "TemporaryFile", hanging)
    proxy = await serve(beside(first, "large", buffer="1KiB", spool="1MiB") | {"drain_timeout": 0})
    senders = [await proxy.sender() for _ in range(MANY)]
    for each in senders:
        await each.send(request(b"POST /large", body=b"x" * 4096))
    assert (await proxy.ask(POST)).status == 200
    assert (await proxy.ask_admin("/metrics"))[0] == 200
    await hanging.begun(spool.AT_A_TIME)  # no thread is left that could begin later
    monkeypatch.setattr(spool, "LAST_WAIT", 0.01)
    await soon(proxy.app.stop())
    await hanging.release()
    assert len(hanging.late) == spool.AT_A_TIME
    for each in hanging.late:
        each.close()


async def test_a_disk_that_hangs_while_a_body_is_written_is_told_in_time(
    orders: Orders, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The upstream hears nothing of the message."""
    hanging = Hanging(os.pwrite)
    monkeypatch.setattr(os, "pwrite", hanging)
    monkeypatch.setattr(spool, "LIMIT", 0.01)
    proxy = await orders(buffer="1KiB", spool="1MiB")
    refused = await proxy.ask(request(b"POST /orders", body=b"x" * 4096))
    assert (refused.status, refused.code, upstream.connections) == (503, "spool_unavailable", 0)
    assert "no answer within 0.01 s" in refused.problem["detail"]
    assert proxy.lines.named("exchange.crashed") == []
    await hanging.release()


async def test_a_disk_that_hangs_while_a_body_is_written_does_not_hold_up_a_stop(
    orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sender is told."""
    hanging = Hanging(os.pwrite)
    monkeypatch.setattr(os, "pwrite", hanging)
    monkeypatch.setattr(spool, "LAST_WAIT", 0.01)
    proxy = await orders({"drain_timeout": 0}, buffer="1KiB", spool="1MiB")
    sender = await proxy.begin(request(b"POST /orders", body=b"x" * 4096))
    await hanging.begun()
    await soon(proxy.app.stop())
    told = await sender.answer()
    assert told.refusal == (503, "draining")
    await hanging.release()


async def test_the_name_of_a_listener_that_hangs_at_the_start_is_told_in_time(
    serve: Serve, first: Document, monkeypatch: pytest.MonkeyPatch, dns: Dns
) -> None:
    """What it means too late is not listened at."""
    made, bind = list[Listener](), Listener.bind
    bound = threading.Event()

    def remember(listener: Listener, *given: Any, **options: Any) -> None:
        made.append(listener)
        bind(listener, *given, **options)
        bound.set()

    monkeypatch.setattr(file_threads, "LIMIT", 0.01)
    monkeypatch.setattr(Listener, "bind", remember)
    with pytest.raises(OSError, match=r"`listen` hangs\.example:0: a file server or DNS did not answer within 0\.01 s"):
        await serve(first | {"listen": {"address": "hangs.example:0", "allow": ["127.0.0.0/8"]}})
    dns.answer()
    assert await asyncio.to_thread(bound.wait, PATIENCE)
    await until(lambda: made[0].port == 0)
