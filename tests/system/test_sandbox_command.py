"""`sandbox --proxy` names its ports before it takes them, moves all of them, and works from any folder."""

import re
import shlex
import socket
from pathlib import Path

import pytest

from tests.system.cli import call
from tests.system.command import ROOT, Command, Sandbox, Unconfigured, run

pytestmark = pytest.mark.measured

SANDBOX = str(ROOT / "config" / "sandbox.yaml")


def six_free_ports() -> int:
    """The first of six ports in a row on which nobody listens."""
    for base in range(20000, 60000, 6):
        try:
            for port in range(base, base + 6):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return base
    raise AssertionError


async def test_all_ports_move_and_the_folder_does_not_matter(tmp_path: Path) -> None:
    """Other commands find it with the variables that are printed."""
    base = six_free_ports()
    async with Command("sandbox", "--port-base", str(base), "--proxy", SANDBOX, cwd=tmp_path) as command:
        await command.prints(r"Before other commands with this configuration:")
        await command.prints(rf"  sent           POST http://127\.0\.0\.1:{base + 4}/http/orders.*")
        await command.prints(r"  answer         200 .*")
        await command.prints(r'.*"Photo Scan".*')
        variables = dict(re.findall(r"  export (\w+)=(\S+)", "\n".join(command.output)))
        assert variables["SANDBOX_DIRECTORY"] == str(tmp_path / ".sandbox")
        sent = await call(Path(SANDBOX), "send", "/btp/invoices", "--data", "<invoice/>", **variables)
        assert sent.status == 0
    assert command.output[0] == f"The stand-in tenant uses the ports {base} to {base + 3} of 127.0.0.1."
    assert f"It uses 127.0.0.1:{base + 4} and 127.0.0.1:{base + 5}." in command.output


async def test_the_variables_that_are_printed_are_enough_for_a_proxy(tmp_path: Path) -> None:
    """The page shows the same ones."""
    async with Sandbox(tmp_path / "the tenant") as tenant:
        await tenant.prints(r"Serving, Ctrl-C ends\.")
        words = shlex.split("\n".join(each for each in tenant.output if each.startswith("  export ")))
        printed = dict(each.split("=", 1) for each in words if each != "export")
        words = ["send", "/", "--data", '{"productIdentifier":"HT-1080"}']
        async with Unconfigured(*words, cwd=tmp_path, **printed) as command:
            sent = await command.ends()
    assert (sent.status, "Photo Scan" in sent.output) == (0, True)
    page = (ROOT / "docs" / "commands.md").read_text()
    assert list(printed) == re.findall(r"^  export (CPI_\w+)=", page, re.MULTILINE)


async def test_a_port_in_use_is_named_with_what_to_do(tmp_path: Path) -> None:
    """Of the tenant and of the proxy alike."""
    base = six_free_ports()
    for port in (base + 1, base + 4):
        with socket.socket() as other:
            other.bind(("127.0.0.1", port))
            other.listen()
            words = ("--port-base", str(base), "--directory", str(tmp_path), "--proxy", SANDBOX)
            ended = await run("sandbox", *words)
        assert ended.status == 1
        last = " ".join(ended.errors.split())
        assert "The sandbox cannot start: " in last
        assert f"127.0.0.1:{port}" in last
        assert "; stop the program that uses it" in last
        assert last.endswith("--port-base 19443 moves all ports of config/sandbox.yaml (make run PORT_BASE=19443).")
