"""Sandbox is there while one runs in this process: its faults, its messages."""

from pathlib import Path

import pytest

from proxy.console.events import PAUSE
from proxy.sandbox.tenant import Tenant
from tests.cases import cases
from tests.fakes.sender import request
from tests.flow.console.conftest import OpenPage
from tests.flow.console.page import Page
from tests.flow.running import tenant_document


@pytest.fixture
async def page(open_page: OpenPage, tenant: Tenant, ca_file: Path) -> Page:
    """In front of the sandbox."""
    return await open_page(tenant_document(tenant, ca_file), tenant=tenant)


async def test_a_fault_is_switched_on_and_off(page: Page, tenant: Tenant) -> None:
    """It strikes the next message; the page is told."""
    stream = await page.stream()
    assert (await page.get("state"))["pages"]["sandbox"] is True
    page.timers.ring(PAUSE)  # nothing has changed yet
    status, content = await page.ask("sandbox/faults", "PUT", json={"runtime.role_missing": True})
    assert status == 200
    assert [each["name"] for each in content["faults"] if each["on"]] == ["runtime.role_missing"]
    page.timers.ring(PAUSE)
    assert await stream.event() == ("sandbox", content)
    answered = await page.proxy.ask(request(b"POST /http/orders", body=b"{}"))
    assert answered.status == 403
    assert (await page.newest())["diagnosis"] == "role missing"
    await page.ask("sandbox/faults", "PUT", json={"runtime.role_missing": False})
    assert not any(each["on"] for each in (await page.get("sandbox"))["faults"])
    assert tenant.faults.struck["runtime.role_missing"] >= 1


@cases(
    "fault, replays",
    ("runtime.csrf_session_lost", ["fetch_csrf"]),
    ("runtime.expire_tokens", ["renew_token", "fetch_csrf"]),
)
async def test_a_fault_that_the_proxy_repairs_strikes_once(page: Page, fault: str, replays: list[str]) -> None:
    """So the repair is seen."""
    sender = await page.proxy.sender()
    order = request(b"POST /http/orders", b"Content-Type: application/json", body=b'{"productIdentifier":"HT-1080"}')
    assert (await sender.ask(order)).status == 200
    page.proxy.clock.advance(60)
    _, content = await page.ask("sandbox/faults", "PUT", json={fault: True})
    (described,) = [each["description"] for each in content["faults"] if each["on"]]
    assert described.endswith("Strikes once.")
    assert (await sender.ask(order)).status == 200
    assert (await page.newest())["replays"] == replays
    assert not any(each["on"] for each in (await page.get("sandbox"))["faults"])


async def test_messages_are_shown_without_their_fields(page: Page, tenant: Tenant) -> None:
    """The newest first."""
    await page.proxy.ask(request(b"POST /http/orders?apikey=s3cr3tQuery", b"Content-Type: a/b", body=b"{}"))
    text = await (await page.open("sandbox")).text()
    assert ("s3cr3tQuery" in text, "eyJ" in text, "Bearer" in text) == (False, False, False)
    content = await page.get("sandbox")
    newest = content["messages"][0]
    assert (newest["flow"], newest["target"], newest["bytes"]) == ("/http/orders", "/http/orders?apikey=***", 2)
    assert newest["at"] == page.proxy.clock.wall()
    assert content["url"] == tenant.control_url


async def test_an_unknown_fault_is_refused(page: Page) -> None:
    """Then none is switched."""
    assert (await page.ask("sandbox/faults", "PUT", json={"runtime.role_missing": True, "x": True}))[0] == 404
    assert (await page.ask("sandbox/faults", "PUT", json={"runtime.role_missing": "on"}))[0] == 400
    assert not any(each["on"] for each in (await page.get("sandbox"))["faults"])
