"""Mistakes before the sandbox look as the checklists say."""

import asyncio
import json
from pathlib import Path
from typing import Any

from proxy.sandbox.tenant import Tenant
from tests.cases import cases, grouped_cases
from tests.docs.pages import ROOT, table, words
from tests.system.cli import call

HEADING = "What each step looks like when it is wrong"
KEY = {"service_key_file": "key.json"}
MESSAGE = ("--data", '{"productIdentifier":"HT-1080"}')


def looks(page: str, step: str) -> set[str]:
    """The page's words for mistakes in a step."""
    rows = table(ROOT / "docs" / page, HEADING)
    return {word for number, _, seen in rows if number == step for word in words(seen)}


def configured(
    tenant: Tenant, folder: Path, client: dict[str, Any], route: dict[str, Any], entries: dict[str, Any] | None = None
) -> Path:
    """A route and `key.json`, changed by the mistake."""
    tenant.write(folder)
    key: dict[str, Any] = tenant.service_key["oauth"]  # type: ignore[assignment]
    changed = {name: value for name, value in {**key, **(entries or {})}.items() if value is not None}
    (folder / "key.json").write_text(json.dumps({"oauth": changed}))
    tls = {"ca_file": "ca.pem"}
    document = {
        "oauth_clients": {"orders": {"tls": tls, **client}},
        "routes": [{"path": "/orders", "oauth_client": "orders", "tls": tls, **route}],
    }
    neo = tenant.neo_token_url.removesuffix("/oauth2/api/v1/token")
    file = folder / "proxy.yaml"
    file.write_text(json.dumps(document).replace("{neo}", neo).replace("{runtime}", tenant.runtime_url))
    return file


async def sent(folder: Path, fault: str, *parts: dict[str, Any]) -> str:
    """Before a tenant with this fault; it fails."""
    async with Tenant() as tenant:
        if fault:
            tenant.faults.switch_on(fault)
        file = await asyncio.to_thread(configured, tenant, folder, *parts)
        done = await call(file, "send", "orders", *MESSAGE)
    assert done.status == 1
    return done.output + done.errors


@cases(
    "step, client, route, fault, word",
    ("1", {}, {}, "runtime.unauthorized", "token_rejected"),
    ("3", {"client_secret_file": "neo-without-role-secret"}, {}, "", "grant_rejected"),
    ("3", {"token_endpoint_auth_method": "client_secret_post"}, {}, "", "grant_rejected"),
    ("5", {"token_url": "{neo}/oauth2/api/v1/tokens"}, {}, "", "grant_rejected"),
    ("5", {}, {}, "neo.html", "grant_malformed"),
    ("5", {"token_url": "https://nobody.invalid/oauth2/api/v1/token", "timeout": "1s"}, {}, "", "grant_unavailable"),
    (
        "6",
        {"client_id": "sandbox-neo-without-role", "client_secret_file": "neo-without-role-secret"},
        {},
        "",
        "role_missing",
    ),
    ("7", {}, {"csrf": "off"}, "", "csrf_required"),
    ("8", {}, {"upstream": "{runtime}/cxf/orders"}, "", "no_flow"),
    ("8", {}, {"upstream": "{runtime}/http/undeployed"}, "", "no_flow"),
)
async def test_a_mistake_on_neo_looks_as_the_page_says(
    step: str, client: dict[str, Any], route: dict[str, Any], fault: str, word: str, tmp_path: Path
) -> None:
    """By code or diagnosis of `send`."""
    assert word in await asyncio.to_thread(looks, "neo.md", step)
    neo = {
        "provider": "neo",
        "token_url": "{neo}/oauth2/api/v1/token",
        "client_id": "sandbox-neo-client",
        "client_secret_file": "neo-secret",
    }
    assert word in await sent(tmp_path, fault, neo | client, {"upstream": "{runtime}/http/orders"} | route, {})


@cases(
    "step, entries, route, fault, word",
    ("2", {}, {}, "runtime.role_missing", "role_missing"),
    ("4", {"clientsecret": "wrong"}, {}, "", "grant_rejected"),
    ("6", {}, {}, "runtime.router_error", "wrong_host"),
    ("6", {}, {"upstream": "/cxf/orders"}, "", "no_flow"),
)
async def test_a_mistake_on_btp_looks_as_the_page_says(
    step: str, entries: dict[str, str], route: dict[str, Any], fault: str, word: str, tmp_path: Path
) -> None:
    """By its key, or its runtime."""
    assert word in await asyncio.to_thread(looks, "btp.md", step)
    assert word in await sent(tmp_path, fault, KEY, {"upstream": "/http/orders"} | route, entries)


@grouped_cases(
    "told, lacking",
    ("has no clientid", ["clientid"]),
    ("has neither clientsecret nor certificate", ["clientsecret"]),
    ("no service key with the runtime's url", ["tokenurl", "url"]),
)
async def test_check_tells_what_a_cut_key_lacks(lacking: str, told: str, tmp_path: Path) -> None:
    """By name, or purpose."""
    async with Tenant() as tenant:
        route = {"upstream": "/http/orders"}
        file = await asyncio.to_thread(configured, tenant, tmp_path, KEY, route, {lacking: None})
        checked = await call(file, "check")
    assert checked.status == 2
    assert told in checked.errors
