"""What is handed out has all that is versioned; `make dist` builds a wheel of it, and tries that (smoke.py)."""

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from proxy import __version__
from tests.system.command import ROOT

NAME = f"cpi_oauth_proxy-{__version__}"


def call(*words: str | Path, cwd: Path = ROOT) -> str:
    """What a program prints that succeeds."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV"))}
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
