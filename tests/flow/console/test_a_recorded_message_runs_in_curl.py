"""`Copy as curl` is a command for sh that sends the same message again."""

import asyncio
import os
from pathlib import Path

import pytest

from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import chunked, request
from tests.fakes.upstream import Upstream, answer
from tests.flow.console.conftest import OpenPage
from tests.flow.console.page import Page
from tests.flow.running import document

pytestmark = pytest.mark.needs("curl")
ODD = 'it\'s "$HOME" `id` \\n %s !x\n\ttail \u00e4\u20ac'


async def run(command: str, **variables: str) -> tuple[int, str]:
    """Exit status and output in sh."""
    environ = {"PATH": os.environ["PATH"], "NO_PROXY": "*", **variables}
    process = await asyncio.create_subprocess_exec(
        "sh",
        env=environ,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(command.encode()), 30)
    return process.returncode or 0, output.decode("latin-1")


async def sent_again(page: Page, upstream: Upstream, octets: bytes) -> str:
    """The upstream gets the same twice."""
    await page.record()
    await page.proxy.ask(octets)
    command: str = (await page.newest())["curl"]
    status, output = await run(command)
    assert (status, "200" in output.partition("\n")[0]) == (0, True), output
    first, second = upstream.requests
    assert (second.method, second.target, second.body) == (first.method, first.target, first.body)
    own = (b"content-length", b"authorization", b"x-request-id")
    kept = [[line for line in each.lines if line.partition(b":")[0].lower() not in own] for each in (first, second)]
    assert sorted(kept[0]) == sorted(kept[1])
    return command


@cases(
    "octets",
    request(b"POST /orders", b"Content-Type: text/xml", body=b"<order/>"),
    request(b"POST /orders/a%20b/../c?x=[1-3]&y={a,b}&z=it's", body=b"<order/>"),
    request(b"POST /orders", b'X-Odd: it\'s "$HOME" `id` \\n %s !x;', b"X-Empty:", body=b"<order/>"),
    request(b"POST /orders", b"X-Latin: caf\xe9 100% \\ '\x80", body=b"<order/>"),
    request(b"POST /orders", body=ODD.encode()),
    request(b"POST /orders", body=b"@/etc/passwd"),
    request(b"POST /orders", body=b""),
    request(b"DELETE /orders/1"),
    request(b"GET /orders", b"User-Agent: SAP", b"Accept: a/b"),
    request(b"HEAD /orders"),
    request(b"POST /orders", b"Content-Type: text/xml", b"Transfer-Encoding: chunked") + chunked(b"<or", b"der/>"),
)
async def test_the_same_message_arrives(page: Page, upstream: Upstream, octets: bytes) -> None:
    """Whatever it contains."""
    command = await sent_again(page, upstream, octets)
    assert command.startswith("curl ")
    assert " \\\n" in command


@cases("body", bytes(range(256)), b"a\r\nb", b"\xff" * 200_000, b"x" * 100_000)
async def test_a_binary_or_large_body_is_a_pipe(page: Page, upstream: Upstream, body: bytes) -> None:
    """Of base64."""
    upstream.follow(answer(200, body=b"done"))
    command = await sent_again(page, upstream, request(b"POST /orders", b"Content-Type: a/b", body=body))
    assert command.startswith("printf %s '")
    assert command.isascii()


async def test_the_senders_own_credential_is_left_out(page: Page, upstream: Upstream) -> None:
    """So are cookies of sessions."""
    shown = [b"Authorization: Basic s3cr3tBasic", b"Cookie: a=s3cr3tCookie", b"X-API-Key: s3cr3tKey"]
    await page.record()
    await page.proxy.ask(request(b"POST /orders", *shown, body=b"<order/>"))
    command = (await page.newest())["curl"]
    assert [name for name in ("Authorization", "Cookie", "X-API-Key", "***") if name in command] == []
    assert (await run(command))[0] == 0
    assert len(upstream.requests) == 2


async def test_a_key_that_the_route_wants_is_a_variable(
    open_page: OpenPage, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path
) -> None:
    """Without it sh says which one is missing."""
    (tmp_path / "keys").write_text("s3cr3tKey\n")
    options = {"inbound_auth": {"api_key": {"field": "X-Sender", "keys_file": str(tmp_path / "keys")}}}
    page = await open_page(document(upstream, authority, name="orders", **options))
    await page.record()
    await page.proxy.ask(request(b"POST /orders", b"X-Sender: s3cr3tKey", body=b"<order/>"))
    command = (await page.newest())["curl"]
    status, output = await run(command)
    assert (status != 0, "SENDER_X_SENDER" in output, len(upstream.requests)) == (True, True, 1)
    assert (await run(command, SENDER_X_SENDER="s3cr3tKey"))[0] == 0
    assert len(upstream.requests) == 2


async def test_a_query_with_a_credential_cannot_be_copied(page: Page) -> None:
    """The command would be another one."""
    await page.record()
    found = await page.passed(request(b"POST /orders?token=s3cr3tQuery", body=b"<order/>"))
    assert (found["curl"], found["send_again"]) == (None, False)
    assert "credential" in found["curl_reason"]


async def test_a_unix_socket_is_named(
    open_page: OpenPage, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path
) -> None:
    """If there is no other listener."""
    wanted = document(upstream, authority, name="orders") | {"listen": f"unix:{tmp_path}/senders"}
    page = await open_page(wanted)
    await page.record()
    await page.send(b"<order/>")
    found = await page.newest()
    status, output = await run(found["curl"])
    assert (status, len(upstream.requests)) == (0, 2), output
    assert (await page.get("state"))["proxy_urls"] == []
