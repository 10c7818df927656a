"""Postman's own runner sends SAP's example through the proxy: fetch, then post, with its own cookie jar."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.programs import newman
from tests.system.command import Proxy

COLLECTION = Path(__file__).with_name("seed.postman_collection.json")


@pytest.mark.needs("newman")
async def test_postman_runs_the_example(proxy: Proxy, control: ClientSession) -> None:
    """Both requests succeed, and are all that the tenant sees."""
    process = await asyncio.create_subprocess_exec(
        newman(),
        *("run", str(COLLECTION), "--env-var", f"base=http://127.0.0.1:{proxy.port}", "--color", "off"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    async with control.get("/messages") as answer:
        messages = (await answer.json())["messages"]
    assert [(each["method"], each["target"], each["status"]) for each in messages] == [
        ("GET", "/http/orders", 200),
        ("POST", "/http/orders", 200),
    ]
