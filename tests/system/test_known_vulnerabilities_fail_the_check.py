"""The audit of `make check`, with a vulnerability service (in the form of OSV) that this test runs."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from tests.cases import cases
from tests.system.command import ROOT, Finished, execute, free_port
from tools.audit import judge, main

FAULT = {
    "id": "PYSEC-2026-1",
    "summary": "reads one octet too many",
    "affected": [{"package": {"name": "aiohttp", "ecosystem": "PyPI"}, "ranges": [], "versions": []}],
}


class Service:
    """Knows what it is told, and keeps what it was asked."""

    def __init__(self, faulty: str = "", status: int = 200) -> None:
        self.faulty, self.status = faulty, status
        self.asked: dict[str, str] = {}

    async def answer(self, request: web.Request) -> web.Response:
        question = await request.json()
        name = question["package"]["name"]
        self.asked[name] = question["version"]
        return web.json_response({"vulns": [FAULT]} if name == self.faulty else {}, status=self.status)


@asynccontextmanager
async def serving(service: Service) -> AsyncIterator[str]:
    """Its URL."""
    application = web.Application()
    application.router.add_post("/query", service.answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/query"
    finally:
        await runner.cleanup()


async def audit(*options: str) -> Finished:
    """The audit, to its end."""
    return await execute(sys.executable, "-m", "tools.audit", *options)


async def test_a_known_vulnerability_fails_and_is_named() -> None:
    """Or that no version mends it."""
    async with serving(service := Service(faulty="aiohttp")) as url:
        found = await audit("-s", "osv", "--osv-url", url)
    assert found.status == 1
    assert found.errors == f"aiohttp {service.asked['aiohttp']} has PYSEC-2026-1, mended in no version.\n"
    assert not found.output


async def test_what_the_proxy_runs_on_is_asked_for_and_no_development_tool() -> None:
    """In the versions of constraints.lock, those of extras too."""
    async with serving(service := Service()) as url:
        found = await audit("-s", "osv", "--osv-url", url)
    assert found.status == 0
    assert found.output == (
        f"No vulnerability is known of the {len(service.asked)} distributions that the proxy runs on.\n"
    )
    lock = (ROOT / "constraints.lock").read_text()
    assert [f"{name}=={version}" for name, version in service.asked.items() if f"{name}=={version}" not in lock] == []
    assert {
        "aiohttp",
        "cryptography",
        "multidict",
        "pydantic-core",
        "cffi",
        "opentelemetry-sdk",
    } <= service.asked.keys()
    assert service.asked.keys().isdisjoint({"pytest", "ruff", "mypy", "pip-audit", "pip-api", "cpi-oauth-proxy"})


@cases("is_there, error", (True, "ServiceError"), (False, "ConnectionError"))
async def test_a_service_in_trouble_or_out_of_reach_is_told_and_fails_nothing(is_there: bool, error: str) -> None:
    """An answer of 503 is none; the check goes on."""
    async with serving(Service(status=503)) as url:
        found = await audit("-s", "osv", "--osv-url", url if is_there else f"http://127.0.0.1:{free_port()}/query")
    assert (found.status, found.errors) == (0, "")
    assert found.output == f"The audit of dependencies could not be made: {error}.\n"


async def test_an_audit_that_is_asked_wrongly_fails() -> None:
    """As by a service that does not exist."""
    found = await audit("-s", "nobody")
    assert found.status == 1
    assert "nobody" in found.errors


def test_an_audit_that_takes_too_long_is_told_and_fails_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """It is ended."""
    assert main((), patience=0) == 0
    assert capsys.readouterr().out == "The audit of dependencies could not be made: no answer within 0 s.\n"


def test_what_the_service_does_not_know_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """If it is all of them, there was no audit."""
    known = {"name": "aiohttp", "version": "3.14.5", "vulns": []}
    unknown = {"name": "uvloop", "skip_reason": "not found"}
    assert judge([known, unknown]) == 0
    assert judge([unknown, unknown]) == 0
    assert capsys.readouterr().out == (
        "The audit left out what the service does not know: uvloop.\n"
        "The audit of dependencies could not be made: the service knows none of the distributions.\n"
    )


def test_a_vulnerability_fails_whatever_else_is_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    """It is told with the versions that mend it."""
    faulty = {"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2", "3"]}]}
    assert judge([faulty, {"name": "b", "skip_reason": "not found"}]) == 1
    assert capsys.readouterr().err == "a 1 has CVE-1, mended in 2, 3.\n"
