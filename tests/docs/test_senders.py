"""Programs of senders.md deliver SAP's example, on another port."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.sandbox.tenant import Tenant
from tests.docs.pages import ROOT, blocks
from tests.system.cli import configure
from tests.system.command import Finished, Proxy, execute

PAGE = ROOT / "docs" / "senders.md"
SHOWN = "http://127.0.0.1:8080/orders"
CONFIGURATION = """
listen: 127.0.0.1:0
admin: 127.0.0.1:0
oauth_clients:
  orders:
    token_url: {neo}
    provider: neo
    client_id: sandbox-neo-client
    client_secret_file: neo-secret
    tls: {{ca_file: ca.pem}}
routes:
  - {{path: /orders, upstream: "{runtime}/http/orders", oauth_client: orders, tls: {{ca_file: ca.pem}}}}
"""
PROGRAMS = {
    "csharp": ("Send.cs", "sh", "-c", 'mcs -nologo "$0" && mono Send.exe'),
    "java": ("Send.java", "java", "-XX:TieredStopAtLevel=1"),
    "php": ("send.php", "php"),
    "sh": ("send.sh", "sh", "-eu"),
}
"By language: the file's name, and how it is run. For ABAP there is none to be had."
NEEDS = {"csharp": "mono", "java": "javac", "php": "php", "sh": "curl"}


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.needs(needed)) for name, needed in NEEDS.items()])
def language(request: pytest.FixtureRequest) -> str:
    """If it runs here."""
    return str(request.param)


@pytest.fixture
async def tenant() -> AsyncIterator[Tenant]:
    """/http/orders is CSRF protected."""
    async with Tenant() as started:
        yield started


async def program(language: str, folder: Path, port: int) -> Finished:
    """In this language, to its end."""
    name, *words = PROGRAMS[language]
    (block,) = blocks(PAGE, language)
    assert SHOWN in block.text
    (folder / name).write_text(block.text.replace(SHOWN, SHOWN.replace("8080", str(port))))
    return await execute(*words, name, cwd=folder)


async def test_the_message_arrives_once_and_the_answer_is_shown(language: str, tenant: Tenant, tmp_path: Path) -> None:
    """Without credentials or CSRF token."""
    async with Proxy(await configure(tenant, tmp_path, CONFIGURATION)) as proxy:
        sent = await program(language, tmp_path, proxy.port)
    assert (sent.status, sent.errors) == (0, "")
    assert "Photo Scan" in sent.output
    assert ("200 by the flow" in sent.output) is (language != "sh")
    assert tenant.runs().get("/orders", 0) == 1
    assert tenant.messages[-1].field("content-type") == ("application/json",)


async def test_an_answer_of_the_proxy_is_a_failure_and_known_as_its_own(
    language: str, tenant: Tenant, tmp_path: Path
) -> None:
    """By its code, and a status other than 0."""
    file = await configure(tenant, tmp_path, CONFIGURATION)
    (tmp_path / "neo-secret").write_text("wrong")
    async with Proxy(file) as proxy:
        sent = await program(language, tmp_path, proxy.port)
    assert sent.status != 0
    assert '"code": "grant_rejected"' in sent.output
    assert ("502 by the proxy" in sent.output) is (language != "sh")
    assert tenant.runs().get("/orders", 0) == 0
