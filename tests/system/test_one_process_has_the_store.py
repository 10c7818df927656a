"""Only one process has the folder of an outbox, and one that cannot read it does not start."""

import base64
import json
from pathlib import Path

import yaml

from tests.cases import cases
from tests.fakes.sender import Sender, request
from tests.system.command import Proxy, document, run

KEYS = [base64.b64encode(bytes([number]) * 32).decode() + "\n" for number in (1, 2)]


def written(folder: Path, *, keys: str = "", **general: object) -> Path:
    """A configuration with an outbox, whose upstream is nowhere."""
    store = {"path": str(folder / "store")}
    if keys:
        (folder / "keys").write_text(keys)
        store["keys_file"] = str(folder / "keys")
    nowhere = "http://127.0.0.1:9"
    path = folder / "proxy.yaml"
    path.write_text(yaml.safe_dump(document(nowhere, f"{nowhere}/t", route={"outbox": {}}, store=store, **general)))
    return path


async def accept_one(proxy: Proxy) -> None:
    """Send a message."""
    sender = await Sender.connect(proxy.port)
    assert (await sender.ask(request(b"POST /orders", body=b"x"))).status == 202
    sender.leave()


async def test_a_second_process_ends_with_1_and_says_who_has_the_folder(tmp_path: Path) -> None:
    """Both would deliver the same messages."""
    file = written(tmp_path)
    async with Proxy(file) as first:
        second = await run("run", "-c", str(file))
        assert second.status == 1
        (line,) = [json.loads(each) for each in second.errors.splitlines() if "proxy.failed" in each]
        assert str(first.pid) in line["detail"]
        assert str(tmp_path / "store") in line["detail"]
        await first.stop()
    async with Proxy(file) as third:
        await third.stop()


async def test_without_a_key_that_is_needed_the_start_fails_with_2(tmp_path: Path) -> None:
    """Nothing is lost: with the key it starts again."""
    file = written(tmp_path, keys=KEYS[0])
    async with Proxy(file) as proxy:
        await accept_one(proxy)
        await proxy.stop()
    for keys in ("", KEYS[1]):
        failed = await run("run", "-c", str(written(tmp_path, keys=keys)))
        assert failed.status == 2
        assert "proxy.failed" in failed.errors
    async with Proxy(written(tmp_path, keys=KEYS[1] + KEYS[0])) as proxy:
        await proxy.logs("message.deferred")
        await proxy.stop()


@cases("ends", {"the first ends": True, "the first stays": False})
async def test_with_reuse_port_the_newer_process_waits_for_the_folder(tmp_path: Path, ends: bool) -> None:
    """For `drain_timeout`; until it has it, its outbox answers 503. It is ready, or nobody would stop the older one."""
    file = written(tmp_path, reuse_port=True, drain_timeout="30s" if ends else "1s")
    async with Proxy(file) as first, Proxy(file) as second:
        sender = await Sender.connect(second.port)
        refused = await sender.ask(request(b"POST /orders", body=b"x"))
        assert (refused.status, refused.code) == (503, "outbox_unavailable")
        sender.leave()
        admin = await Sender.connect(second.admin_port)
        assert (await admin.ask(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")).status == 200
        admin.leave()
        if not ends:
            assert (await second.ends()).status == 1
            return
        await first.stop()
        await second.logs("store.opened")
        await accept_one(second)
