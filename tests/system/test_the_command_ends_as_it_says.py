"""Exit statuses: 0 after a drain, 1 if the machine refuses, 2 for an invalid configuration or wrong arguments."""

import asyncio
import re
import signal
import socket
import sys
from pathlib import Path

import pytest

from proxy import __version__
from proxy.sandbox.tenant import Tenant
from tests.cases import cases
from tests.fakes.sender import Sender, request
from tests.system.command import Command, Proxy, Unconfigured, execute, run

WRONG = """
routes:
  - path: orders
    upstream: http://elsewhere.example/http
    timeot: 5m
"""


@pytest.mark.measured
@cases("number", signal.SIGTERM, signal.SIGINT)
async def test_a_signal_ends_it_with_0(proxy: Proxy, number: signal.Signals) -> None:
    """And nothing is printed."""
    sender = await Sender.connect(proxy.port)
    assert (await sender.ask(request(b"POST /http/invoices", body=b"x"))).status == 200
    proxy.send(number)
    assert await sender.rest() == b""
    finished = await proxy.ends()
    assert (finished.status, finished.output) == (0, "")
    events = ["proxy.started", "token.granted", "exchange.finished", "proxy.draining", "proxy.stopped"]
    assert [event for line in finished.errors.splitlines() for event in events if f'"{event}"' in line] == events
    assert len(finished.errors.splitlines()) == len(events)
    sender.leave()


@pytest.mark.measured
@cases("command", "run", "check")
async def test_a_wrong_configuration_is_2_with_all_problems(tmp_path: Path, command: str) -> None:
    """One line for each."""
    path = tmp_path / "wrong.yaml"
    path.write_text(WRONG)
    finished = await run(command, "-c", str(path))
    assert (finished.status, finished.output) == (2, "")
    lines = finished.errors.splitlines()
    assert len(lines) >= 4
    assert all(line.startswith(str(path)) for line in lines)
    assert any(f"{path}:5: routes[0].timeot: unknown key" in line and "timeout" in line for line in lines)
    assert not any("Traceback" in line for line in lines)


@pytest.mark.measured
async def test_no_configuration_at_all_is_2(tmp_path: Path) -> None:
    """It says where it was looked for."""
    async with Unconfigured("check", cwd=tmp_path) as command:
        finished = await command.ends()
    assert finished.status == 2
    assert finished.errors.startswith(
        "no configuration: looked for ./proxy.yaml, ./config/proxy.yaml and the variables"
    )
    assert "CPI_UPSTREAM" in finished.errors
    assert "with -c" in finished.errors


@cases("name, words", ("proxy.yaml", []), ("x.yaml", ["x.yaml"]), ("x.yaml", ["-c", "x.yaml"]))
async def test_a_file_is_found_in_the_working_directory_or_named(
    configuration: Path, name: str, words: list[str]
) -> None:
    """A name needs no option."""
    await asyncio.to_thread(configuration.rename, configuration.with_name(name))
    async with Unconfigured("check", *words, cwd=configuration.parent) as command:
        finished = await command.ends()
    assert (finished.status, finished.errors) == (0, "")


@cases("command", "check", "run")
async def test_a_file_that_is_named_twice_is_2(configuration: Path, command: str) -> None:
    """Neither of the two is used."""
    finished = await run(command, "-c", str(configuration), str(configuration))
    assert finished.status == 2
    assert "the configuration file is named twice" in finished.errors


@pytest.mark.measured
@cases("option", "listen", "admin")
async def test_a_taken_port_is_1(configuration: Path, option: str) -> None:
    """One line says so."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen()
        port = bound.getsockname()[1]
        await asyncio.to_thread(_replace, configuration, f"{option}: 127.0.0.1:0", f"{option}: 127.0.0.1:{port}")
        finished = await run("run", "-c", str(configuration))
    assert finished.status == 1
    (line,) = finished.errors.splitlines()
    assert '"proxy.failed"' in line
    assert str(port) in line


def _replace(configuration: Path, old: str, new: str) -> None:
    configuration.write_text(configuration.read_text().replace(old, new))


async def test_a_right_configuration_is_0_without_any_network(configuration: Path, tenant: Tenant) -> None:
    """`check` reads secret files, and fails without them."""
    await tenant.close()
    finished = await run("check", "-c", str(configuration))
    assert (finished.status, finished.errors) == (0, "")
    assert finished.output == "The configuration is valid: 2 route(s), 2 OAuth client(s)."
    secrets = configuration.parent / "sandbox"
    (secrets / "neo-secret").unlink()
    finished = await run("check", "-c", str(configuration))
    assert finished.status == 2
    assert f"{configuration}:10: oauth_clients.orders.client_secret_file: " in finished.errors
    assert f"{secrets} can be read (No such file or directory)" in finished.errors


@pytest.mark.measured
async def test_version_prints_it() -> None:
    """`version` prints the name and the version."""
    finished = await run("version")
    assert (finished.status, finished.output) == (0, f"cpi-oauth-proxy {__version__}")


async def test_help_lists_the_commands() -> None:
    """The order is that of docs/commands.md."""
    finished = await run("--help")
    assert finished.status == 0
    assert [name for name in ("run", "check", "sandbox", "version") if f"  {name} " in finished.output] == [
        "run",
        "check",
        "sandbox",
        "version",
    ]


@pytest.mark.measured
async def test_variables_alone_make_a_route(tenant: Tenant, tmp_path: Path) -> None:
    """Messages are forwarded."""
    folder = tmp_path / "sandbox"
    variables = {
        "CPI_UPSTREAM": f"{tenant.runtime_url}/http",
        "CPI_TOKEN_URL": tenant.neo_token_url,
        "CPI_CLIENT_ID": "sandbox-neo-client",
        "CPI_CLIENT_SECRET_FILE": str(folder / "neo-secret"),
        "CPI_CA_FILE": str(folder / "ca.pem"),
        "CPI_LISTEN": "127.0.0.1:0",
        "CPI_ADMIN": "127.0.0.1:0",
    }
    async with Unconfigured("run", cwd=tmp_path, **variables) as proxy:
        detail = (await proxy.logs("proxy.started"))["detail"]
        assert f"/ -> {variables['CPI_UPSTREAM']} as default" in detail
        sender = await Sender.connect(int(detail.split(",")[0].rpartition(":")[2]))
        assert (await sender.ask(request(b"POST /invoices", body=b"<x/>"))).body == b"<x/>"
        sender.leave()


async def test_without_the_compiled_parsers_of_aiohttp_it_serves(configuration: Path) -> None:
    """Heads are read by a grammar of its own."""
    async with Proxy(configuration, AIOHTTP_NO_EXTENSIONS="1") as proxy:
        sender = await Sender.connect(proxy.port)
        assert (await sender.ask(request(b"POST /http/invoices", body=b"<x/>"))).status == 200
        sender.leave()


class OnAsyncio(Proxy):
    """A proxy that does not find uvloop."""

    program = (sys.executable, "-c", "import sys; sys.modules['uvloop'] = None; from proxy.cli import main; main()")
    is_new = True


@pytest.mark.measured
async def test_without_uvloop_it_serves_on_asyncios_own_loop(configuration: Path) -> None:
    """Messages are forwarded all the same."""
    async with OnAsyncio(configuration) as proxy:
        sender = await Sender.connect(proxy.port)
        octets = request(b"POST /http/orders", body=b'{"productIdentifier":"HT-1080"}')
        assert [(await sender.ask(octets)).status for _ in range(2)] == [200, 200]
        assert (await proxy.stop()).status == 0
        sender.leave()


@cases("closed", "<&-", ">&-", "2>&-", "<&- >&- 2>&-")
async def test_closed_standard_streams_are_as_devnull(tmp_path: Path, closed: str) -> None:
    """No file and no socket gets their descriptors."""
    (tmp_path / "key.json").write_text('{"clientid": "c", "clientsecret": "s", "url": "https://t.example"}')
    reading = ("import-key -",) if "<&-" in closed else ()
    for command in (f"import-key {tmp_path}/key.json", *reading):
        done = await execute("sh", "-c", f"exec {sys.executable} -m proxy {command} {closed}")
        assert done.status == (2 if command.endswith("-") else 0), done.errors
        assert "Traceback" not in done.errors


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
async def test_the_start_line_says_what_a_wildcard_takes(configuration: Path) -> None:
    """Each version of IP alone."""
    fence = 'allow: ["127.0.0.0/8", "::1/128"]'
    both = ", ".join(f"{{address: '{each}:0', {fence}}}" for each in ("[::]", "0.0.0.0"))
    text = configuration.read_text().replace("listen: 127.0.0.1:0", f"listen: [{both}]")
    configuration.write_text(text)
    async with Command("run", "-c", str(configuration)) as command:
        detail = (await command.logs("proxy.started"))["detail"]
    assert re.match(
        r"listening on \[::\]:\d+ \(IPv6 only\), 0\.0\.0\.0:\d+ \(IPv4 only\), admin on 127\.0\.0\.1:\d+; ", detail
    )


@pytest.mark.measured
async def test_what_is_open_is_told_at_each_start_and_no_core_is_dumped(configuration: Path) -> None:
    """Listeners, and secrets that every user can read."""
    text = configuration.read_text().replace("listen: 127.0.0.1:0", "listen: 0.0.0.0:0")
    configuration.write_text(text)
    secret = configuration.parent / "sandbox/neo-secret"
    secret.chmod(0o644)
    async with Command("run", "-c", str(configuration), "--insecure-listen") as command:
        opened, exposed = await command.logs("listener.opened"), await command.logs("secret.exposed")
        await command.logs("proxy.started")
        assert (opened["listener"], opened["level"]) == ("0.0.0.0:0", "warning")
        assert exposed["file"] == str(secret)
        if sys.platform == "linux":
            limits = await asyncio.to_thread(Path(f"/proc/{command.pid}/limits").read_text)
            assert re.search(r"Max core file size +0 +0 ", limits)
