"""`send` delivers a message as a legacy sender would, and shows what Postman shows and more."""

import asyncio
import os
import pty
import signal
from pathlib import Path

import pytest

from proxy.sandbox.tenant import Tenant
from tests.cases import cases
from tests.system.cli import CONFIGURATION, call, configure
from tests.system.command import ROOT, Command, environment
from tests.system.forked import Forked

pytestmark = pytest.mark.measured

MESSAGE = '{"productIdentifier":"HT-1080"}'
PRODUCT = '{"Products": {"Product": {"ProductId": "HT-1080", "Name": "Photo Scan"'


async def test_the_answer_goes_to_standard_output_and_what_became_of_it_to_standard_error(
    tenant: Tenant, file: Path
) -> None:
    """The flow runs once, with a CSRF token that the proxy fetched."""
    sent = await call(file, "send", "orders", "--data", MESSAGE)
    assert sent.status == 0
    assert sent.output.startswith(PRODUCT)
    for words in ("status          200", "token           granted", "replays         fetch_csrf", "first byte"):
        assert words in sent.errors
    assert f"MPL id          {tenant.messages[-1].mpl_id}\n" in sent.errors
    assert f"upstream        {tenant.runtime_url}/http/orders\n" in sent.errors
    assert tenant.runs().get("/orders", 0) == 1
    assert tenant.messages[-1].field("content-type") == ("application/json",)
    assert tenant.neo_client.secret not in sent.errors


async def test_a_file_or_standard_input_is_sent_unchanged(tenant: Tenant, file: Path, tmp_path: Path) -> None:
    """With the given fields and method."""
    octets = bytes(range(256)) * 20_000
    (tmp_path / "message.xml").write_bytes(octets)
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


async def test_a_failure_is_exit_status_1_with_a_diagnosis(tenant: Tenant, file: Path) -> None:
    """The flow's own answer is printed too."""
    tenant.faults.switch_on("runtime.flow_failed")
    sent = await call(file, "send", "invoices", "--data", "<invoice/>")
    assert sent.status == 1
    assert "The MPL ID for the failed message is" in sent.output
    assert "diagnosis       flow_failed: The flow ran and failed" in sent.errors


async def test_an_answer_of_the_proxy_says_so(tenant: Tenant, file: Path) -> None:
    """In the sentence that a sender gets; nothing reaches the tenant."""
    tenant.faults.switch_on("neo.unauthorized")
    sent = await call(file, "send", "orders", "--data", MESSAGE)
    assert sent.status == 1
    assert "status          502 Bad Gateway, by the proxy" in sent.errors
    assert "refused the grant with 401" in sent.errors
    assert not len(tenant.messages)


async def test_an_answer_that_ends_early_is_a_failure(tenant: Tenant, file: Path) -> None:
    """The exit status is 1, even after a 200."""
    tenant.faults.switch_on("runtime.truncate")
    sent = await call(file, "send", "invoices", "--data", "<invoice/>")
    assert sent.status == 1


async def test_csrf_fetches_a_token_even_if_the_route_does_not(tenant: Tenant, tmp_path: Path) -> None:
    """Without the option the 403 is a failure with a diagnosis."""
    text = CONFIGURATION.replace("/orders, upstream", "/orders, csrf: off, upstream")
    file = await configure(tenant, tmp_path, text)
    without = await call(file, "send", "orders", "--data", MESSAGE)
    assert (without.status, tenant.runs().get("/orders", 0)) == (1, 0)
    assert "csrf_required" in without.errors
    with_it = await call(file, "send", "orders", "--data", MESSAGE, "--csrf")
    assert (with_it.status, tenant.runs().get("/orders", 0)) == (0, 1)


async def test_repeat_sends_many_and_shows_latencies(tenant: Tenant, file: Path) -> None:
    """Failures are counted by cause."""
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


@cases("size", 10, 0)
async def test_a_reader_that_closes_the_pipe_does_not_affect_the_message(
    tenant: Tenant, file: Path, tmp_path: Path, size: int
) -> None:
    """The message is delivered and reported."""
    (tmp_path / "large.xml").write_text("<a>" + "x" * 3_000_000 + "</a>")
    reading, output_end = os.pipe()
    sending = asyncio.create_task(
        call(file, "send", "/invoices", "--file", f"{tmp_path}/large.xml", output_end=output_end)
    )
    await asyncio.to_thread(os.read, reading, size)
    os.close(reading)
    sent = await sending
    assert sent.status == 0
    assert "status          200" in sent.errors
    assert "Traceback" not in sent.errors
    assert tenant.runs() == {"/invoices": 1}


async def test_an_answer_that_cannot_be_written_is_reported_beside_the_message(file: Path) -> None:
    """The exit status is that of the message."""
    sent = await call(file, "send", "invoices", "--data", "<a/>", output_end=os.open("/dev/full", os.O_WRONLY))
    assert "status          200" in sent.errors
    assert "The answer could not be written: No space left on device." in sent.errors
    assert sent.status == 0


async def test_an_interrupt_ends_it_at_once_with_a_warning(tenant: Tenant, file: Path) -> None:
    """A message may have arrived."""
    tenant.faults.switch_on("runtime.hang")
    async with Command("send", "invoices", "--data", "<a/>", "-c", str(file)) as command:
        await tenant.faults.struck.reach("runtime.hang", 1)
        command.send(signal.SIGINT)
        ended = await command.ends()
    assert ended.status == 130
    assert ended.errors == "Interrupted: a message may have arrived."


async def test_a_terminal_sees_the_answer_indented(file: Path) -> None:
    """Between report and head."""
    ours, theirs = pty.openpty()
    words = ("send", "orders", "-i", "--data", MESSAGE, "-c", str(file))
    streams = (os.dup(theirs), os.dup(theirs), theirs)
    process = await Forked.start(*words, cwd=ROOT, environ=environment({"TERM": "dumb"}), streams=streams)
    shown = await asyncio.to_thread(read_terminal, ours)
    assert await process.wait() == 0
    assert '\n  "Products": {\n' in shown.replace("\r", "")
    assert "status          200" in shown
    assert "\nHTTP/1.1 200" in shown.replace("\r", "")


def read_terminal(descriptor: int) -> str:
    """A closed terminal is an error on Linux and an end on macOS."""
    pieces = []
    try:
        while piece := os.read(descriptor, 65536):
            pieces.append(piece)
    except OSError:
        pass
    finally:
        os.close(descriptor)
    return b"".join(pieces).decode()
