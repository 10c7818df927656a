"""deploy/systemd: the proxy as a service."""

import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.config.parsed_values import parse_duration
from proxy.store.folder import folder_of
from tests.deploy.product import DEPLOY, PLACE, content, loaded, understood

FOLDER = DEPLOY / "systemd"
NAME = "cpi-oauth-proxy"
PROGRAM = "/opt/cpi-oauth-proxy/bin/cpi-oauth-proxy"
EXPOSED = 3.0
"Of 10; systemd calls anything below 3 OK."


def unit(kind: str) -> configparser.RawConfigParser:
    """Of repeated keys the last value."""
    read = configparser.RawConfigParser(strict=False)
    read.optionxform = str  # type: ignore[assignment,method-assign]
    read.read(FOLDER / f"{NAME}.{kind}")
    return read


SERVICE = unit("service")["Service"]


def test_the_configuration_is_right_with_the_credentials_that_the_unit_loads(tmp_path: Path) -> None:
    """It waits longer than draining takes."""
    text = (FOLDER / "proxy.yaml").read_text()
    credential = SERVICE["LoadCredential"].partition(":")[0]
    assert re.findall(r"\$\{CREDENTIALS_DIRECTORY\}/([\w-]+)", text) == [credential]
    (tmp_path / credential).write_text(content(credential))
    configuration = loaded(text, tmp_path, CREDENTIALS_DIRECTORY=str(tmp_path))
    assert parse_duration(SERVICE["TimeoutStopSec"]) > configuration.drain_timeout
    assert SERVICE["MemoryMax"] == "1G"
    assert int(SERVICE["LimitNOFILE"]) > 2 * configuration.limits.max_connections
    assert unit("socket")["Socket"]["ListenStream"] == str(configuration.listen[0].address)


def test_outboxes_have_a_folder_of_the_service_alone() -> None:
    """The program's default."""
    assert (SERVICE["StateDirectory"], SERVICE["StateDirectoryMode"]) == (NAME, "0700")
    given = {"STATE_DIRECTORY": f"/var/lib/{SERVICE['StateDirectory']}"}
    assert folder_of(None, given) == Path("/var/lib/cpi-oauth-proxy")


def test_the_command_is_one_of_the_program() -> None:
    """On the installed file."""
    program, *words = SERVICE["ExecStart"].split()
    assert program == PROGRAM
    assert words[0] == "run"
    assert understood(words)["file"] == Path(PLACE)
    assert SERVICE["RestartPreventExitStatus"] == "2"


@pytest.mark.needs("systemd-analyze", "kill")
def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    """If the program is there."""
    for kind in ("service", "socket"):
        text = (FOLDER / f"{NAME}.{kind}").read_text()
        (tmp_path / f"{NAME}.{kind}").write_text(text.replace(PROGRAM, sys.executable))
    units = sorted(tmp_path.iterdir())
    verified = subprocess.run(["systemd-analyze", "verify", *units], check=False, capture_output=True, text=True)
    assert verified.returncode == 0, verified.stderr
    assert [line for line in verified.stderr.splitlines() if NAME in line] == []


@pytest.mark.needs("systemd-analyze")
def test_the_service_is_shut_in() -> None:
    """By systemd's estimate."""
    words = ("security", "--offline=true", f"--threshold={EXPOSED * 10:.0f}", "--no-pager")
    judged = subprocess.run(
        ["systemd-analyze", *words, FOLDER / f"{NAME}.service"], check=False, capture_output=True, text=True
    )
    assert judged.returncode == 0, judged.stdout[-500:] + judged.stderr
