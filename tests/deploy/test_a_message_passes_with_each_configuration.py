"""The configurations of `deploy` before a stand-in tenant."""

import asyncio
import re
import shutil
from pathlib import Path

from aiohttp import ClientSession

from proxy.sandbox.tenant import Tenant
from tests.cases import cases
from tests.deploy.product import DEPLOY, documents
from tests.system.command import Proxy

ORDER = '{"productIdentifier":"HT-1080"}'
SECRETS = re.compile(r"/run/secrets(/cpi-oauth-proxy)?|/sandbox|\$\{CREDENTIALS_DIRECTORY\}")
"Where the configurations expect files that others put there."


def configurations() -> dict[str, str]:
    """By their files."""
    files = ("compose/proxy.yaml", "compose/trial.yaml", "systemd/proxy.yaml")
    texts = {name: (DEPLOY / name).read_text(encoding="utf-8") for name in files}
    for name in ("kubernetes/deployment.yaml", "kubernetes/outbox.yaml"):
        (manifest,) = (each for each in documents(DEPLOY / name) if each["kind"] == "ConfigMap")
        texts[name] = manifest["data"]["proxy.yaml"]
    return texts


def moved(text: str, folder: Path) -> str:
    """Files into the folder, ports and senders to loopback."""
    text = SECRETS.sub(str(folder), text).replace("allow: [", "allow: [127.0.0.0/8, ")
    text = re.sub(r"^admin: .*\n", "", text, flags=re.MULTILINE)
    return re.sub(r"(0\.0\.0\.0|127\.0\.0\.1):8080", "127.0.0.1:0", text) + "admin: 127.0.0.1:0\n"


@cases("text", configurations())
async def test_a_message_reaches_its_flow(text: str, tmp_path: Path) -> None:
    """At once or by its outbox, with the service key and the authority in their places."""
    (path,) = re.findall(r"- path: (\S+)", text)
    async with Tenant() as tenant:
        await asyncio.to_thread(tenant.write, tmp_path)
        await asyncio.to_thread(shutil.copy, tmp_path / "service-key.json", tmp_path / "service-key")
        file = tmp_path / "proxy.yaml"
        await asyncio.to_thread(file.write_text, moved(text, tmp_path))
        given = {"SSL_CERT_FILE": str(tmp_path / "ca.pem"), "STATE_DIRECTORY": str(tmp_path / "state")}
        async with Proxy(file, **given) as proxy, ClientSession() as session:
            url = f"http://127.0.0.1:{proxy.port}{path if path != '/http' else '/http/orders'}"
            async with session.post(url, data=ORDER) as answer:
                if "outbox:" in text:
                    assert (answer.status, (await answer.json())["status"]) == (202, "queued")
                    await proxy.logs("message.delivered")
                else:
                    assert (answer.status, "Photo Scan" in await answer.text()) == (200, True)
        assert tenant.runs() == {"/orders": 1}
