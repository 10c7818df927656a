"""`import-key` makes of a service key a configuration that works as it stands."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from proxy.sandbox.tenant import Tenant
from tests.fakes.identity import CERTIFICATE, KEY
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
EXTERNAL = {**OAUTH, "clientsecret": None, "certificate": CERTIFICATE}


async def imported(folder: Path, key: Any, *words: str) -> Finished:
    """Imports the key from a file in the folder, and saves what the command prints beside it."""
    (folder / "key.json").write_text(json.dumps(key))
    finished = await run("import-key", str(folder / "key.json"), *words)
    (folder / "proxy.yaml").write_text(finished.output)
    return finished


async def check(folder: Path) -> Finished:
    """Checks what was saved."""
    return await run("check", "-c", str(folder / "proxy.yaml"))


@pytest.mark.parametrize("kind", ["service_key", "certificate_service_key"])
async def test_a_tenant_takes_messages_by_it(tmp_path: Path, kind: str) -> None:
    """With secret and with certificate: the check is passed, and a message arrives; the authority is the system's."""
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


async def test_secrets_are_in_files_of_their_owner_and_nowhere_else(tmp_path: Path) -> None:
    """Of mode 0600, beside the key; what is printed has none of it, and comes out the same the second time."""
    first, second = [await imported(tmp_path, {"oauth": OAUTH}) for _ in range(2)]
    assert first == second
    assert (tmp_path / "acme-secret").read_text() == f"{SECRET}\n"
    assert (tmp_path / "acme-secret").stat().st_mode & 0o777 == 0o600
    assert first.output.startswith("oauth_clients:\n  acme:\n    provider: xsuaa\n")
    assert str(tmp_path / "acme-secret") in first.errors
    assert SECRET not in first.output + first.errors
    assert (await check(tmp_path)).status == 0


async def test_an_external_certificate_waits_for_its_key(tmp_path: Path) -> None:
    """The hint names the place; with the key there the check is passed."""
    finished = await imported(tmp_path, {"oauth": EXTERNAL})
    assert finished.status == 0
    assert f"put that into {tmp_path}/acme-key.pem" in finished.errors
    assert (await check(tmp_path)).status == 2
    (tmp_path / "acme-key.pem").write_text(KEY)
    assert (await check(tmp_path)).status == 0


async def test_a_binding_s_folder_will_do(tmp_path: Path) -> None:
    """The files are made beside it, not in it."""
    folder = tmp_path / "binding"
    folder.mkdir()
    for name, text in OAUTH.items():
        (folder / name).write_text(text)
    assert (await run("import-key", str(folder))).status == 0
    assert {path.name for path in tmp_path.iterdir()} == {"binding", "acme-secret"}


async def test_a_dash_is_standard_input(tmp_path: Path) -> None:
    """What cf prints goes in as it is; the files are made where the command was called."""
    printed = (
        f"Getting key k for service instance i as me...\n\n{json.dumps({'credentials': {'oauth': OAUTH}}, indent=2)}\n"
    )
    imported = await finished("import-key", "-", "--name", "piped", cwd=tmp_path, stdin=printed.encode())
    assert (imported.status, (tmp_path / "piped-secret").read_text()) == (0, f"{SECRET}\n")
    (tmp_path / "proxy.yaml").write_text(imported.output)
    assert (await check(tmp_path)).status == 0
    assert SECRET not in imported.output + imported.errors
