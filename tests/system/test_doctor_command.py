"""`doctor` prints a line for each check, and calls no integration flow unasked."""

import json
from pathlib import Path

import pytest

from proxy.sandbox.tenant import Tenant
from tests.system.cli import call

pytestmark = pytest.mark.measured


async def test_nothing_is_wrong_with_a_whole_world_and_no_flow_is_touched(tenant: Tenant, file: Path) -> None:
    """With --all every check has its line."""
    looked = await call(file, "doctor", "--all")
    assert looked.status == 0
    assert "No check failed" in looked.output.splitlines()[-1]
    lines = [line.split() for line in looked.output.splitlines()]
    for check in ("DNS", "TCP", "proxy", "TLS", "certificate", "HTTP", "clock"):
        assert sum(check in line for line in lines) >= 4
    assert "  ok       role         ESBMessaging.send" in looked.output
    assert not len(tenant.messages)
    assert tenant.btp_client.secret not in looked.output


async def test_one_route_with_a_message_as_json(tenant: Tenant, file: Path) -> None:
    """Nothing else is looked at; the message arrives once."""
    looked = await call(file, "doctor", "/invoices/2026", "--json", "--send", "--data", "<invoice/>")
    found = json.loads(looked.output)
    assert {each["subject"] for each in found} == {"oauth_client invoices", "route invoices"}
    assert found[-1]["check"] == "message"
    assert tenant.messages[-1].target == "/http/invoices/2026"
    assert (looked.status, found[-1]["result"]) == (1, "failed")  # only /http/invoices itself is a flow
    assert f"sent to {tenant.runtime_url}/http/invoices/2026." in found[-1]["detail"]
    looked = await call(file, "doctor", "invoices", "--json", "--send", "--data", "<invoice/>")
    found = json.loads(looked.output)
    assert (looked.status, found[-1]["result"]) == (0, "ok")
    assert found[-1]["detail"].endswith(f", sent to {tenant.runtime_url}/http/invoices")
    assert tenant.runs() == {"/invoices": 1}
