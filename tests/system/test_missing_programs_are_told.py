"""What becomes of tests whose programs are missing, and how CI gets these."""

import os
import sys
from pathlib import Path

import pytest

from tests import programs
from tests.cases import cases
from tests.system.command import Finished, execute

NEEDY = (
    "tests/deploy/test_prometheus.py::test_prometheus_takes_the_rules",
    "tests/deploy/test_helm.py::test_helm_renders_the_same",
)


async def call(*words: str, folder: Path, **variables: str) -> Finished:
    """Python in an environment without any program on PATH but those of the folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CI", "COV", "NEWMAN"))}
    return await execute(sys.executable, *words, env=kept | {"PATH": str(folder), **variables})


@cases(
    "variables, status, told",
    {
        "here": ({}, 0, ["promtool is missing", "helm is missing", "2 skipped in"]),
        "in CI": (
            {"CI": "true"},
            1,
            ["promtool is missing; tests/programs.py", "helm is missing", "1 skipped, 1 error in"],
        ),
    },
)
async def test_a_test_without_its_program_is_skipped_and_fails_in_ci(
    tmp_path: Path, variables: dict[str, str], status: int, told: list[str]
) -> None:
    """Not for what Debian does not have."""
    tested = await call("-m", "pytest", "-p", "no:cacheprovider", *NEEDY, folder=tmp_path, **variables)
    assert tested.status == status, tested.output
    for text in told:
        assert text in tested.output


async def test_ci_installs_what_is_missing(tmp_path: Path) -> None:
    """A package is listed as long as its program is missing."""
    before = (await call("tests/programs.py", folder=tmp_path)).output.splitlines()
    for name in ("curl", "promtool"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    after = (await call("tests/programs.py", folder=tmp_path)).output.splitlines()
    assert set(before) - set(after) == {"curl", "prometheus"}
    assert {"groff-base", "nodejs npm", "php-cli"} <= set(after) < set(before)


def test_the_chromium_that_was_installed_for_tests_is_preferred(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder is named after its version and the platform; $CHROMIUM wins over it."""
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr(programs, "BROWSERS", tmp_path)
    own = tmp_path / "chromium_headless_shell-1255" / "chrome-headless-shell-linux-arm64" / "chrome-headless-shell"
    own.parent.mkdir(parents=True)
    own.touch()
    assert programs.chromium() == str(own)
    monkeypatch.setenv("CHROMIUM", "/opt/chromium")
    assert programs.chromium() == "/opt/chromium"
