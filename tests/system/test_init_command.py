"""`init` on a terminal asks, writes, checks, and tries what it has written."""

import asyncio
import json
import os
import pty
from collections.abc import Sequence
from pathlib import Path

import pytest

from proxy.config.load import load
from proxy.sandbox.tenant import Tenant
from tests.system.command import environment
from tests.system.forked import Forked
from tests.system.terminal import Terminal

pytestmark = pytest.mark.measured

Dialogue = Sequence[tuple[str, str]]
"What the command asks, and what is typed."


async def talk(folder: Path, dialogue: Dialogue, *words: str) -> tuple[int, str]:
    """The exit status, and all that was on the terminal."""
    ours, theirs = pty.openpty()
    environ = environment({"TERM": "dumb", "SSL_CERT_FILE": str(folder / "ca.pem")})
    streams = (os.dup(theirs), os.dup(theirs), theirs)
    process = await Forked.start("init", *words, cwd=folder, environ=environ, streams=streams)
    terminal = Terminal(ours)
    for question, answer in dialogue:
        await terminal.type(question, answer)
    await terminal.end()
    return await process.wait(), terminal.shown


async def test_a_tenant_on_neo_is_asked_for_and_tried(tmp_path: Path) -> None:
    """A wrong answer is asked for again, and the secret is not shown."""
    async with Tenant() as tenant:
        await asyncio.to_thread(tenant.write, tmp_path)
        (tmp_path / "order.json").write_text('{"productIdentifier":"HT-1080"}')
        dialogue = [
            ("Platform of the tenant", "neo"),
            ("Token URL", "http://as.example.com/token"),
            ("write https://", tenant.neo_token_url),
            ("Client id", tenant.neo_client.client_id),
            ("Client secret", tenant.neo_client.secret),
            ("The flow's endpoint", "/http/orders"),
            ("only a path", f"{tenant.runtime_url}/http/orders"),
            ("Networks of senders", ""),
            ("Run doctor now?", ""),
            ("Send a message now?", "y"),
            ("File with the message", "order.json"),
        ]
        status, shown = await talk(tmp_path, dialogue)
        assert (status, tenant.runs()) == (0, {"/orders": 1})
    assert "Photo Scan" in shown
    assert "cpi-oauth-proxy run -c proxy.yaml" in shown
    assert tenant.neo_client.secret not in shown
    assert (tmp_path / "orders-secret").stat().st_mode & 0o777 == 0o600


async def test_a_service_key_is_asked_for(tmp_path: Path) -> None:
    """The flow's path is enough."""
    async with Tenant() as tenant:
        await asyncio.to_thread(tenant.write, tmp_path)
        dialogue = [
            ("Platform of the tenant", "btp"),
            ("File with the service key", "nowhere.json"),
            ("No such file", "service-key.json"),
            ("The flow's endpoint", "/http/invoices"),
            ("Networks of senders", "10.1.0.0/99"),
            ("not a valid network", "10.1.0.0/16 10.2.0.0/16"),
            ("Run doctor now?", "n"),
            ("Send a message now?", "n"),
        ]
        status, shown = await talk(tmp_path, dialogue)
        assert (status, tenant.runs()) == (0, {})
    key = json.loads((tmp_path / "service-key.json").read_text())
    assert key["oauth"]["clientsecret"] not in shown
    (listener,) = (await asyncio.to_thread(load, tmp_path / "proxy.yaml", {})).listen
    assert [str(each) for each in listener.allow or ()] == ["10.1.0.0/16", "10.2.0.0/16"]


async def test_a_check_that_fails_ends_with_1(tmp_path: Path) -> None:
    """The commands for later are shown."""
    async with Tenant() as tenant:
        await asyncio.to_thread(tenant.write, tmp_path)
        words = ("--token-url", tenant.neo_token_url, "--platform", "neo", "--client-secret-file", "-")
        dialogue = [
            ("Client id", tenant.neo_client.client_id),
            ("Client secret", "wrong"),
            ("The flow's endpoint", f"{tenant.runtime_url}/http/orders"),
            ("Networks of senders", ""),
            ("Run doctor now?", "y"),
        ]
        status, shown = await talk(tmp_path, dialogue, *words)
    assert status == 1
    assert "refused the grant" in shown
    assert "Send a message" not in shown
    assert "When that is mended:" in shown
    assert "cpi-oauth-proxy doctor -c proxy.yaml" in shown


async def test_a_message_that_fails_ends_with_1(tmp_path: Path) -> None:
    """No flow has the path."""
    async with Tenant() as tenant:
        await asyncio.to_thread(tenant.write, tmp_path)
        dialogue = [
            ("Platform of the tenant", "btp"),
            ("File with the service key", ""),
            ("Token URL", tenant.xsuaa_token_url),
            ("Client id", tenant.btp_client.client_id),
            ("Client secret", tenant.btp_client.secret),
            ("The flow's endpoint", f"{tenant.runtime_url}/http/nothing"),
            ("Networks of senders", ""),
            ("Run doctor now?", "n"),
            ("Send a message now?", "y"),
            ("File with the message", ""),
        ]
        status, shown = await talk(tmp_path, dialogue)
    assert status == 1
    assert "no_flow" in shown
