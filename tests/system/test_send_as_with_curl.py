"""`send` takes bodies and shows answers as curl does, and sends requests of collections."""

import asyncio
import json
import os
import pty
import signal
from pathlib import Path

import pytest

from proxy.sandbox.tenant import Tenant
from tests.system.cli import CONFIGURATION, call, configure
from tests.system.command import ROOT, environment
from tests.system.forked import Forked

MESSAGE = b"<a>\r\n\xff\x00</a>\n\n"
KEY = "cAnAry-key"
SET_FIELDS = CONFIGURATION.replace('/http/orders"', '/http/orders", set_fields: {{X-Env: "${{KEY}}", X-Own: "open"}}')
HTTP_FILE = """\
@order = {{"productIdentifier":"HT-1080"}}
### Create
POST http://127.0.0.1:8080/orders?a=b
Authorization: Bearer {{{{token}}}}
Content-Type: application/json
X-Who: {{{{who}}}}

{{{{order}}}}
### Upload
# @name Upload a file
POST {runtime}/http/invoices

< ./message.bin
### Empty
POST /invoices
"""


@pytest.mark.measured
async def test_the_answer_s_head_is_shown_and_its_content_kept(file: Path, tmp_path: Path) -> None:
    """As with curl -i and -o."""
    words = ("send", "orders", "-d", '{"productIdentifier":"HT-1080"}')
    shown = await call(file, *words, "-i")
    head, _, content = shown.output.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200")
    assert "Content-Type: application/json" in head
    assert json.loads(content)["Products"]
    kept = await call(file, *words, "-o", str(tmp_path / "answer.json"))
    assert kept.output == ""
    assert json.loads((tmp_path / "answer.json").read_text()) == json.loads(content)
    await call(file, *words, "-i", "-o", str(tmp_path / "answer.json"))
    assert (tmp_path / "answer.json").read_bytes().startswith(b"HTTP/1.1 200")


async def test_a_file_is_not_overwritten_by_the_answer_to_it(tenant: Tenant, file: Path, tmp_path: Path) -> None:
    """The sentence names the option; nothing is sent."""
    (tmp_path / "message.bin").write_bytes(MESSAGE)
    name = str(tmp_path / "message.bin")
    refused = await call(file, "send", "invoices", "-d", f"@{name}", "-o", name)
    assert (refused.status, refused.errors) == (2, f"-o {name} would overwrite the message before it is sent.\n")
    assert (tmp_path / "message.bin").read_bytes() == MESSAGE
    missing = await call(file, "send", "invoices", "-d", "x", "-o", str(tmp_path / "none" / "answer"))
    assert (missing.status, "none/answer" in missing.errors) == (2, True)
    assert not tenant.grants.count(tenant.btp_client.client_id)


@pytest.mark.measured
async def test_the_forwarded_head_is_shown_without_credentials(tenant: Tenant, tmp_path: Path) -> None:
    """The CSRF fetch is there between both attempts."""
    file = await configure(tenant, tmp_path, SET_FIELDS)
    sent = await call(file, "send", "orders", "-v", "-d", '{"productIdentifier":"HT-1080"}', KEY=KEY)
    lines = sent.errors.splitlines()
    starts = [line.split()[1] for line in lines if line.startswith("> ") and line.endswith(" HTTP/1.1")]
    assert starts == ["POST", "HEAD", "POST"]
    assert "> X-CSRF-Token: Fetch" in lines
    for line in ("> Authorization: ***", "> Cookie: ***", "> X-Env: ***", "> X-Own: open", "< HTTP/1.1 200"):
        assert line in lines
    assert any(line.startswith("< Content-Type: application/json") for line in lines)
    assert tenant.messages[-1].field("x-env") == (KEY,)
    assert KEY not in sent.errors
    assert "Bearer" not in sent.errors
    assert json.loads(sent.output)["Products"]


@pytest.mark.measured
async def test_what_was_not_forwarded_is_told(file: Path) -> None:
    """The answer is the proxy's own."""
    sent = await call(file, "send", "/elsewhere", "-v", "-d", "x")
    assert sent.status == 1
    assert "> (nothing was forwarded)\n< HTTP/1.1 404" in sent.errors


async def test_requests_of_an_http_file_are_listed_and_sent(tenant: Tenant, file: Path, tmp_path: Path) -> None:
    """The proxy's own address is a path; an option overrides."""
    (tmp_path / "message.bin").write_bytes(MESSAGE)
    requests = tmp_path / "orders.http"
    requests.write_text(HTTP_FILE.format(runtime=tenant.runtime_url))
    listed = await call(tmp_path / "nowhere.yaml", "send", "--collection", str(requests))
    assert (listed.status, listed.output.splitlines()[0]) == (
        0,
        "Create         POST http://127.0.0.1:8080/orders?a=b",
    )
    created = await call(
        *(file, "send", "--collection", str(requests), "Create", "-H", "Content-Type: text/json"),
        *("--var", "token=x"),
        who="me",
    )
    message = tenant.messages[-1]
    assert (created.status, message.target) == (0, "/http/orders?a=b")
    assert (message.field("x-who"), message.field("content-type")) == (("me",), ("text/json",))
    assert message.body_start == b'{"productIdentifier":"HT-1080"}'
    assert len(message.field("authorization")) == 1
    uploaded = await call(file, "send", "--collection", str(requests), "Upload a file")
    assert (uploaded.status, tenant.messages[-1].body_start) == (0, MESSAGE)
    empty = await call(file, "send", "--collection", str(requests), "Empty")
    assert (empty.status, "This POST has no body" in empty.errors) == (2, True)
    piped = await call(file, "send", "--collection", str(requests), "Empty", stdin=b"<a/>")
    assert (piped.status, tenant.messages[-1].body_start) == (0, b"<a/>")


@pytest.mark.measured
async def test_requests_of_a_postman_collection_are_sent(tenant: Tenant, file: Path) -> None:
    """--var sets a variable of the collection."""
    collection = ("send", "--collection", str(ROOT / "tests" / "system" / "seed.postman_collection.json"))
    unset = await call(file, *collection, "Send the message")
    assert (unset.status, "the variable csrf has no value" in unset.errors) == (2, True)
    sent = await call(file, "send", "orders", "Send the message", *collection[1:], "--var", "csrf=x")
    assert tenant.messages[-1].target == "/http/orders"
    assert sent.output
    words = ("--var", f"base={tenant.runtime_url}")
    fetched = await call(file, *collection, "Fetch the CSRF token", *words, "-i")
    assert (fetched.status, "X-CSRF-Token: " in fetched.output) == (0, True)


@pytest.mark.measured
async def test_a_terminal_sees_how_long_the_flow_takes(tenant: Tenant, file: Path) -> None:
    """On standard error, while the answer is awaited."""
    tenant.faults.switch_on("runtime.hang")
    ours, theirs = pty.openpty()
    process = await Forked.start(
        *("send", "invoices", "--data", "<a/>", "-c", str(file)),
        cwd=ROOT,
        environ=environment({"TERM": "xterm", "COLUMNS": "80"}),
        streams=(os.dup(theirs), os.open(os.devnull, os.O_WRONLY), theirs),
    )
    await asyncio.to_thread(read_until, ours, b"waiting for the answer 1 s")
    process.send_signal(signal.SIGINT)
    assert await process.wait() == 130
    os.close(ours)


def read_until(descriptor: int, words: bytes) -> None:
    """OSError if the other side is closed before."""
    shown = b""
    while words not in shown:
        shown += os.read(descriptor, 65536)
