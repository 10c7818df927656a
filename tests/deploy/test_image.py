"""Dockerfile and constraints.lock: only what was locked is downloaded."""

import re
import runpy

from hatch_build import VARIABLE
from tests.deploy.product import DOCKERFILE, ROOT

LOCK = (ROOT / "constraints.lock").read_text(encoding="utf-8")


def test_each_pin_has_hashes() -> None:
    """For every platform."""
    entries = re.split(r"\n(?=\S)", LOCK.strip())
    assert len(entries) > 100
    entry = re.compile(r"[a-z0-9-]+==\S+(?: ; [^\\]+)?(?: \\\n    --hash=sha256:[0-9a-f]{64})+")
    assert [each for each in entries if not entry.fullmatch(each)] == []


def test_what_pip_downloads_into_the_image_has_a_hash() -> None:
    """Build tools, too."""
    lines = DOCKERFILE.replace("\\\n", " ").splitlines()
    calls = [line for line in lines if re.search(r"-m pip .*\b(?:install|wheel)\b", line)]
    assert len(calls) == 5
    checked = re.compile(r"--no-index|--require-hashes --\w+ \S*\.lock|--build-constraint constraints\.lock")
    assert [call for call in calls if not checked.search(call)] == []


def test_pip_itself_is_taken_from_the_lock() -> None:
    """Its entry is cut out by sed."""
    first, last = re.search(r"sed -n '/(\^pip==)/,/(\[.+?\]\$)/p' constraints\.lock", DOCKERFILE).groups()  # type: ignore[union-attr]
    found = re.search(rf"(?ms){first}.*?{last}", LOCK)
    assert found is not None
    assert found[0].count("==") == 1
    assert "--hash=" in found[0]


def test_compiling_can_be_left_out() -> None:
    """With its compiler."""
    assert f"\nARG {VARIABLE}=auto\n" in DOCKERFILE
    assert f'RUN test "${VARIABLE}" = 0 || command -v cc' in DOCKERFILE


def test_the_base_can_be_named_by_digest() -> None:
    """For both stages."""
    assert DOCKERFILE.count("FROM ${BASE}") == DOCKERFILE.count("\nFROM ") == 2
    assert "--build-arg BASE=python:3.13-slim@sha256:" in DOCKERFILE


def test_the_pins_are_short_enough_for_an_argument() -> None:
    """128 KiB for each, on Linux."""
    pins = runpy.run_path(str(ROOT / "tests/image/build"))["pins"](LOCK)
    assert len(pins.splitlines()) == len(re.findall(r"(?m)^\S", LOCK)) > 100
    assert len(pins) < 64 << 10
