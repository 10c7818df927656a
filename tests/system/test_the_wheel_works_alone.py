"""What is handed out: a source distribution, the wheel that is made of it, and the command of that wheel alone.

Tools and requirements have the versions of constraints.lock, so what is built here is what is built anywhere.
"""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from aiohttp import ClientSession

from proxy import __version__
from tests.system.command import ROOT, Command, Proxy, Sandbox

NAME = f"cpi_oauth_proxy-{__version__}"
ORDER = b'{"productIdentifier":"HT-1080"}'
CONFIGURATION = """
listen: 127.0.0.1:0
admin: 127.0.0.1:0
oauth_clients:
  orders: {service_key_file: sandbox/service-key.json, tls: {ca_file: sandbox/ca.pem}}
routes:
  - {path: /orders, upstream: /http/orders, oauth_client: orders, tls: {ca_file: sandbox/ca.pem}}
"""
ALONE = {"PYTHONPATH": "", "PYTHONSAFEPATH": "1"}
"The command finds what is installed beside it, and nothing of this tree."


def call(*words: str | Path, cwd: Path = ROOT) -> str:
    """What a program prints that succeeds."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV"))}
    outside["CPI_OAUTH_PROXY_COMPILE"] = "0"  # it takes a minute, and is tried by `make test` in another way
    done = subprocess.run(words, cwd=cwd, env=outside, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


def unpacked(folder: Path) -> Path:
    """The content of the source distribution, which is made in the folder."""
    call(sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", folder)
    with tarfile.open(folder / f"{NAME}.tar.gz") as archive:
        if hasattr(tarfile, "data_filter"):  # Python 3.11.4; later versions warn if it is not used
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(folder)
    return folder / NAME


def installed(folder: Path) -> Path:
    """Of a new virtual environment with the wheel, and without pip."""
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    source = unpacked(folder)
    call(*pip, "wheel", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", folder, source)
    call(sys.executable, "-m", "venv", "--without-pip", folder / "alone")
    (wheel,) = folder.glob("*.whl")
    versions = folder / "constraints.txt"  # without hashes: the wheel, which is new, has none there
    versions.write_text(re.sub(r"(?m) \\\n +--hash=\S+", "", (ROOT / "constraints.lock").read_text()))
    locked = ("--no-compile", "--only-binary", ":all:", "--constraint", versions)
    call(*pip, "--python", folder / "alone/bin/python", "install", *locked, wheel)
    shutil.rmtree(source)
    return folder / "alone/bin"


@pytest.mark.needs("git")
@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is no clone")
def test_the_source_distribution_has_every_file(tmp_path: Path) -> None:
    """And no other one."""
    listed = call(
        "git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"
    ).split("\0")
    source = unpacked(tmp_path)
    found = {str(each.relative_to(source)) for each in source.rglob("*") if each.is_file()}
    assert found - {"PKG-INFO"} == {each for each in listed if (ROOT / each).is_file()}


async def test_the_command_of_the_wheel_serves_without_this_tree(tmp_path: Path) -> None:
    """With a message through its proxy to its sandbox."""
    commands = await asyncio.to_thread(installed, tmp_path)
    inside = await asyncio.to_thread(
        call, commands / "python", "-c", "import proxy; print(proxy.__file__)", cwd=tmp_path
    )
    assert Path(inside).is_relative_to(tmp_path / "alone")
    program = (str(commands / "cpi-oauth-proxy"),)

    version = Command("version", cwd=tmp_path, **ALONE)
    version.program = program
    async with version:
        assert (await version.ends()).output.split()[-1] == __version__

    (tmp_path / "proxy.yaml").write_text(CONFIGURATION)
    sandbox = Sandbox(tmp_path / "sandbox", **ALONE)
    sandbox.program = program
    async with sandbox:
        check = Command("check", "-c", "proxy.yaml", cwd=tmp_path, **ALONE)
        check.program = program
        async with check:
            assert (await check.ends()).status == 0
        proxy = Proxy(tmp_path / "proxy.yaml", **ALONE)
        proxy.program = program
        async with proxy, ClientSession() as sender:
            async with sender.post(f"http://127.0.0.1:{proxy.port}/orders", data=ORDER) as answer:
                assert answer.status == 200
                assert "Photo Scan" in await answer.text()
            async with sender.get(f"{sandbox.urls['control_url']}/messages") as seen:
                arrived = await seen.json()
        assert (await proxy.ends()).status == 0
    assert arrived["total"] >= 1
