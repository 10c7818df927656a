"""The admin address answers to its own names, but not to other sites' pages in a browser on this machine."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import Sender
from tests.fakes.upstream import Upstream
from tests.flow.admin import ask
from tests.flow.running import Orders, Running, document

FOREIGN = b"Sec-Fetch-Site: cross-site"


@pytest.fixture
async def proxy(orders: Orders) -> Running:
    """A proxy whose admin address has an additional name."""
    admin = {"address": "127.0.0.1:0", "hosts": ["Proxy.Example.:9901"]}
    return await orders({"admin": admin})


@cases("path", b"/", b"/livez", b"/status", b"/nowhere")
@cases("host", b"evil.example", b"10.1.2.3", b"localhost.evil.example")
async def test_another_name_is_421_whatever_is_asked(proxy: Running, host: bytes, path: bytes) -> None:
    """The log does not quote the name."""
    answered = await ask(proxy, b"GET " + path, FOREIGN, host=host)
    assert answered.status == 421
    (line,) = await proxy.lines.reach("admin.refused")
    assert line["status"] == 421
    assert line["detail"].encode() in answered.body
    assert "evil" not in str(line)


async def test_a_page_of_another_site_cannot_set_the_log_level(proxy: Running) -> None:
    """A program, and a page of this address, can."""
    for mark in (FOREIGN, b"Sec-Fetch-Site: same-site", b"Origin: https://evil.example", b"Origin: null"):
        assert (await ask(proxy, b"PUT /log-level", mark, body=b"error")).status == 403
    assert proxy.app.log.level == "debug"
    assert len(await proxy.lines.reach("admin.refused", 4)) == 4
    for mark in (b"Sec-Fetch-Site: same-origin", b"Origin: http://localhost", b"User-Agent: curl"):
        assert (await ask(proxy, b"PUT /log-level", mark, body=b"error")).status == 200


async def test_a_page_of_another_site_can_get_public_resources_only(proxy: Running) -> None:
    """It cannot read the answers."""
    statuses = dict.fromkeys([b"GET /livez", b"GET /readyz", b"GET /metrics", b"GET /status"], 200)
    statuses |= dict.fromkeys([b"GET /", b"GET /nowhere", b"POST /livez", b"DELETE /status"], 403)
    assert {line: (await ask(proxy, line, FOREIGN)).status for line in statuses} == statuses


async def test_a_unix_socket_has_the_same_names(orders: Orders, tmp_path: Path) -> None:
    """A port may be forwarded to it."""
    proxy = await orders({"admin": f"unix:{tmp_path}/admin"})
    for host, status in ((b"localhost", b"200"), (b"evil.example", b"421")):
        reader, writer = await asyncio.open_unix_connection(tmp_path / "admin")
        with contextlib.closing(writer):
            writer.write(b"GET /status HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
            assert (await reader.readline()).split()[1] == status
    assert str(proxy.app.admin.address) == f"unix:{tmp_path}/admin"


async def test_beyond_loopback_any_name_is_served(orders: Orders) -> None:
    """Probes use the address of a pod."""
    proxy = await orders({"admin": {"address": "0.0.0.0:0"}})
    statuses = {b"GET /readyz": 200, b"GET /metrics": 200, b"GET /status": 404, b"PUT /log-level": 404}
    assert {line: (await ask(proxy, line, host=b"10.1.2.3:9901")).status for line in statuses} == statuses
    assert (await ask(proxy, b"GET /readyz", host=None)).status == 400


async def test_a_reload_changes_the_names_and_keeps_connections(
    proxy: Running, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """The port stays too."""
    sender = await Sender.connect(proxy.app.admin.port)
    ask_new = b"GET /livez HTTP/1.1\r\nHost: new.example\r\n\r\n"
    assert (await sender.ask(ask_new)).status == 421
    port = proxy.app.admin.port
    await proxy.reload(document(upstream, authority) | {"admin": {"address": "127.0.0.1:0", "hosts": ["new.example"]}})
    assert (await sender.ask(ask_new)).status == 200
    assert (await ask(proxy, b"GET /livez", host=b"proxy.example")).status == 421
    assert proxy.app.admin.port == port
    sender.leave()
