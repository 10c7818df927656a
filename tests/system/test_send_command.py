"""`send` sends as a legacy sender would, and shows what Postman shows and more."""

import asyncio
import os
import pty
import shutil
import signal
import sys
from pathlib import Path

import pytest

from proxy.sandbox.tenant import Tenant
from tests.system.cli import CONFIGURATION, call, configure
from tests.system.command import ROOT, Command, environment

MESSAGE = '{"productIdentifier":"HT-1080"}'
PRODUCT = '{"Products": {"Product": {"ProductId": "HT-1080", "Name": "Photo Scan"'


async def test_the_answer_goes_to_standard_output_and_what_became_of_it_to_standard_error(tmp_path: Path) -> None:
    """The flow is CSRF protected, as in SAP's example: it runs once, with a token that was fetched on its demand."""
    async with Tenant() as tenant:
        sent = await call(await configure(tenant, tmp_path), "send", "orders", "--data", MESSAGE)
        assert sent.status == 0
        assert sent.output.startswith(PRODUCT)
        for words in ("status          200", "token           granted", "replays         fetch_csrf", "first byte"):
            assert words in sent.errors
        assert f"MPL id          {tenant.messages[-1].mpl_id}\n" in sent.errors
        assert f"upstream        {tenant.runtime_url}/http/orders\n" in sent.errors
        assert tenant.runs().get("/orders", 0) == 1
        assert tenant.messages[-1].field("content-type") == ("application/json",)
        assert tenant.neo_client.secret not in sent.errors


@pytest.mark.parametrize("where", ["invoices", "/invoices", "{runtime}/http/invoices"])
async def test_a_route_is_named_or_a_path_or_the_url_that_it_leads_to(tmp_path: Path, where: str) -> None:
    """All three bring the same message to the same flow."""
    async with Tenant() as tenant:
        file = await configure(tenant, tmp_path)
        sent = await call(file, "send", where.format(runtime=tenant.runtime_url), "--data", "<invoice/>")
        assert sent.status == 0
        message = tenant.messages[-1]
        assert (message.target, message.body_start) == ("/http/invoices", b"<invoice/>")
        assert message.field("content-type") == ("application/xml",)


async def test_a_file_or_standard_input_is_sent_octet_by_octet(tmp_path: Path) -> None:
    """With the fields and the method that were asked for."""
    octets = bytes(range(256)) * 20_000
    (tmp_path / "message.xml").write_bytes(octets)
    async with Tenant() as tenant:
        file = await configure(tenant, tmp_path)
        words = ("-X", "put", "-H", "X-Own: one two", "-H", "Content-Type: text/xml")
        from_file = await call(file, "send", "/invoices?a=b", "--file", str(tmp_path / "message.xml"), *words)
        first = tenant.messages[-1]
        from_input = await call(file, "send", "/invoices?a=b", "--file", "-", *words, stdin=octets)
        second = tenant.messages[-1]
        assert (from_file.status, from_input.status) == (0, 0)
        assert first.body_size == second.body_size == len(octets)
        assert first.body_sha256 == second.body_sha256
        assert (first.method, first.target) == ("PUT", "/http/invoices?a=b")
        assert first.field("x-own") == ("one two",)
        assert first.field("content-type") == ("text/xml",)


async def test_a_failure_is_exit_status_1_with_a_diagnosis(tmp_path: Path) -> None:
    """The flow's own answer is there too."""
    async with Tenant() as tenant:
        tenant.faults.switch_on("runtime.flow_failed")
        sent = await call(await configure(tenant, tmp_path), "send", "invoices", "--data", "<invoice/>")
        assert sent.status == 1
        assert "The MPL ID for the failed message is" in sent.output
        assert "diagnosis       flow_failed: The flow ran and failed" in sent.errors


async def test_an_answer_of_the_proxy_says_so(tmp_path: Path) -> None:
    """A refused secret reaches nobody, and the sentence is the one that a sender would get."""
    async with Tenant() as tenant:
        tenant.faults.switch_on("neo.unauthorized")
        sent = await call(await configure(tenant, tmp_path), "send", "orders", "--data", MESSAGE)
        assert sent.status == 1
        assert "status          502 Bad Gateway, by the proxy" in sent.errors
        assert "refused the grant with 401" in sent.errors
        assert not len(tenant.messages)


async def test_an_answer_that_ends_early_is_a_failure(tmp_path: Path) -> None:
    """Whatever its status was."""
    async with Tenant() as tenant:
        tenant.faults.switch_on("runtime.truncate")
        sent = await call(await configure(tenant, tmp_path), "send", "invoices", "--data", "<invoice/>")
        assert sent.status == 1


async def test_csrf_fetches_a_token_also_where_the_route_would_not(tmp_path: Path) -> None:
    """Without the option the 403 comes back, with a diagnosis; with it the flow runs."""
    text = CONFIGURATION.replace("/orders, upstream", "/orders, csrf: off, upstream")
    async with Tenant() as tenant:
        file = await configure(tenant, tmp_path, text)
        without = await call(file, "send", "orders", "--data", MESSAGE)
        assert (without.status, tenant.runs().get("/orders", 0)) == (1, 0)
        assert "csrf_required" in without.errors
        with_it = await call(file, "send", "orders", "--data", MESSAGE, "--csrf")
        assert (with_it.status, tenant.runs().get("/orders", 0)) == (0, 1)


async def test_repeat_sends_so_many_and_shows_latencies(tmp_path: Path) -> None:
    """Each arrives once, with one grant for all; the failures are counted by what they are."""
    async with Tenant() as tenant:
        file = await configure(tenant, tmp_path)
        sent = await call(file, "send", "invoices", "--data", "<a/>", "--repeat", "60", "--concurrency", "7")
        assert sent.status == 0
        assert "60 x 200" in sent.output
        for words in ("p50", "p99", "max", "first byte"):
            assert words in sent.output
        assert tenant.runs().get("/invoices", 0) == 60
        assert tenant.grants.count(tenant.btp_client.client_id) == 1
        tenant.faults.switch_on("runtime.flow_failed", count=3)
        failed = await call(file, "send", "invoices", "--data", "<a/>", "--repeat", "10")
        assert failed.status == 1
        assert "7 x 200, 3 x 500" in failed.output
        assert "3 x 500: flow_failed" in failed.output


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("orders", "-H", f"X: {'a' * 70000}"), "431"),
        ((f"/orders/{'a' * 70000}",), "414"),
        (("orders", *(word for number in range(150) for word in ("-H", f"X-{number}: x"))), "431"),
    ],
    ids=["head too large", "target too long", "too many fields"],
)
async def test_a_request_that_is_refused_early_is_told_too(tmp_path: Path, words: tuple[str, ...], status: str) -> None:
    """It never becomes an exchange, and the command ends all the same."""
    async with Tenant() as tenant:
        sent = await call(await configure(tenant, tmp_path), "send", *words)
        assert sent.status == 1
        assert f"status          {status}" in sent.errors
        assert "by the proxy" in sent.errors
        assert "failure         " in sent.errors


async def test_a_limit_of_connections_for_other_senders_is_none_for_this_one(tmp_path: Path) -> None:
    """As many at a time as were asked for."""
    async with Tenant() as tenant:
        file = await configure(tenant, tmp_path, CONFIGURATION + "limits: {{max_connections: 2}}\n")
        words = ("--repeat", "40", "--concurrency", "20")
        sent = await call(file, "send", "invoices", "--data", "<a/>", *words)
        assert (sent.status, tenant.runs()) == (0, {"/invoices": 40})


@pytest.mark.needs("bash")
@pytest.mark.parametrize("into", ["head -c 10", "true"])
async def test_a_reader_that_has_enough_changes_nothing_about_the_message(tmp_path: Path, into: str) -> None:
    """It was sent, and that is told."""
    (tmp_path / "large.xml").write_text("<a>" + "x" * 3_000_000 + "</a>")
    async with Tenant() as tenant:
        file = await configure(tenant, tmp_path)
        command = f"{sys.executable} -m proxy send /invoices --file {tmp_path}/large.xml -c {file}"
        process = await asyncio.create_subprocess_shell(
            f"{command} | {into}; exit ${{PIPESTATUS[0]}}",
            executable=shutil.which("bash"),
            cwd=ROOT,
            env=environment({}),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await process.communicate()
        assert process.returncode == 0, errors
        assert b"status          200" in errors
        assert b"Traceback" not in errors
        assert tenant.runs() == {"/invoices": 1}


async def test_an_answer_that_cannot_be_written_is_told_beside_what_became_of_the_message(tmp_path: Path) -> None:
    """A full disk is not the message's fault."""
    async with Tenant() as tenant:
        file = await configure(tenant, tmp_path)
        process = await asyncio.create_subprocess_shell(
            f"{sys.executable} -m proxy send invoices --data '<a/>' -c {file} > /dev/full",
            cwd=ROOT,
            env=environment({}),
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await process.communicate()
        assert b"status          200" in errors
        assert b"The answer could not be written: No space left on device." in errors
        assert process.returncode == 0


async def test_an_interrupt_ends_it_at_once_and_says_what_nobody_knows(tmp_path: Path) -> None:
    """The message may have arrived."""
    async with Tenant() as tenant:
        tenant.faults.switch_on("runtime.hang")
        file = await configure(tenant, tmp_path)
        async with Command("send", "invoices", "--data", "<a/>", "-c", str(file)) as command:
            await tenant.faults.struck.reach("runtime.hang", 1)
            command.send(signal.SIGINT)
            ended = await command.ends()
        assert ended.status == 130
        assert ended.errors == "Interrupted: what was under way may have arrived."


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (("nowhere",), "There is no route nowhere; there is orders, invoices."),
        (("https://other.example/http",), "No route leads to https://other.example/http"),
        (("/ a",), "percent-encode"),
        (("orders", "--data", "x", "--file", "y"), "not both"),
        (("orders", "--file", "missing.xml"), "missing.xml"),
        (("orders", "-H", "no colon"), "no colon"),
        (("orders", "-H", "Content-Length: 5"), "leave it out"),
        (("orders", "-H", "a b: c"), "is not a valid token"),
        (("orders", "-H", "authorization: Bearer x"), "puts its own token there"),
        (("orders", "-H", "a: b\nc"), "is not a valid field value"),
        (("orders", "-X", "TRACE"), "never forwards"),
        (("orders", "--repeat", "0"), "--repeat"),
    ],
)
async def test_wrong_words_are_exit_status_2(tmp_path: Path, words: tuple[str, ...], wrong: str) -> None:
    """And nothing is sent."""
    async with Tenant() as tenant:
        sent = await call(await configure(tenant, tmp_path), "send", *words)
        assert (sent.status, sent.output) == (2, "")
        assert wrong in sent.errors
        assert not len(tenant.messages)


async def test_a_terminal_sees_the_answer_indented(tmp_path: Path) -> None:
    """JSON as people read it."""
    async with Tenant() as tenant:
        file = await configure(tenant, tmp_path)
        ours, theirs = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "proxy", "send", "orders", "--data", MESSAGE, "-c", str(file)),
            cwd=ROOT,
            env=environment({"TERM": "dumb"}),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        shown = await asyncio.to_thread(read_terminal, ours)
        assert await process.wait() == 0
        assert '\n  "Products": {\n' in shown.replace("\r", "")
        assert "status          200" in shown


def read_terminal(descriptor: int) -> str:
    """All that is written to it; Linux ends with an error, macOS with nothing."""
    pieces = []
    try:
        while piece := os.read(descriptor, 65536):
            pieces.append(piece)
    except OSError:
        pass
    finally:
        os.close(descriptor)
    return b"".join(pieces).decode()
