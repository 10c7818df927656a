"""`import-key` makes of a service key a configuration that works as it stands."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from proxy.sandbox.tenant import Tenant
from tests.cases import cases
from tests.fakes.sender import Sender, request
from tests.system.cli import finished
from tests.system.command import Finished, Proxy, run

pytestmark = pytest.mark.measured

SECRET = "cAnAry$ecret="
OAUTH = {
    "clientid": "sb-1!b1|it-rt-acme!b2",
    "clientsecret": SECRET,
    "tokenurl": "https://acme.authentication.eu10.hana.ondemand.com/oauth/token",
    "url": "https://acme.it-cpi001-rt.cfapps.eu10.hana.ondemand.com",
}


async def imported(folder: Path, key: Any, *words: str) -> Finished:
    """Imports the key, and saves what is printed beside it."""
    (folder / "key.json").write_text(json.dumps(key))
    finished = await run("import-key", str(folder / "key.json"), *words)
    (folder / "proxy.yaml").write_text(finished.output)
    return finished


async def check(folder: Path) -> Finished:
    """Checks what was saved."""
    return await run("check", "-c", str(folder / "proxy.yaml"))


@cases("kind", "service_key", "certificate_service_key")
async def test_a_tenant_takes_messages_by_it(tmp_path: Path, kind: str) -> None:
    """With secret and with certificate."""
    async with Tenant() as tenant:
        await asyncio.to_thread(tenant.write, tmp_path)
        finished = await imported(tmp_path, getattr(tenant, kind), "--name", "invoices")
        assert finished.status == 0
        assert (await check(tmp_path)).status == 0
        text = (tmp_path / "proxy.yaml").read_text()
        (tmp_path / "proxy.yaml").write_text(f"listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\n{text}")
        async with Proxy(tmp_path / "proxy.yaml", SSL_CERT_FILE=str(tmp_path / "ca.pem")) as proxy:
            sender = await Sender.connect(proxy.port)
            answer = await sender.ask(request(b"POST /http/invoices", body=b"x"))
            sender.leave()
    assert answer.status == 200


async def test_a_binding_s_folder_will_do(tmp_path: Path) -> None:
    """The files are made beside it, not in it."""
    folder = tmp_path / "binding"
    folder.mkdir()
    for name, text in OAUTH.items():
        (folder / name).write_text(text)
    assert (await run("import-key", str(folder))).status == 0
    assert {path.name for path in tmp_path.iterdir()} == {"binding", "acme-secret"}


async def test_a_dash_is_standard_input(tmp_path: Path) -> None:
    """It takes what cf prints; files are made in the working directory."""
    printed = (
        f"Getting key k for service instance i as me...\n\n{json.dumps({'credentials': {'oauth': OAUTH}}, indent=2)}\n"
    )
    imported = await finished("import-key", "-", "--name", "piped", cwd=tmp_path, stdin=printed.encode())
    assert (imported.status, (tmp_path / "piped-secret").read_text()) == (0, f"{SECRET}\n")
    (tmp_path / "proxy.yaml").write_text(imported.output)
    assert (await check(tmp_path)).status == 0
    assert SECRET not in imported.output + imported.errors
