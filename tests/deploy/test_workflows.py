""".github/workflows: what they use, for which Pythons; `make check` does the rest."""

import re
import tomllib
from typing import Any

import yaml

from tests.cases import cases
from tests.deploy.product import DOCKERFILE, ROOT

FOLDER = ROOT / ".github" / "workflows"
TEXTS = {file.stem: file.read_text(encoding="utf-8") for file in FOLDER.iterdir()}
JOBS: dict[str, dict[str, Any]] = {name: yaml.safe_load(text)["jobs"] for name, text in TEXTS.items()}
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_each_action_is_pinned_by_commit_and_names_its_version() -> None:
    """One commit for each action."""
    lines = [line.strip(" -") for text in TEXTS.values() for line in text.splitlines() if "uses:" in line]
    pinned = re.compile(r"uses: ([\w/-]+)@[0-9a-f]{40} # v\d+\.\d+\.\d+")
    found = {line: match[1] for line in lines if (match := pinned.fullmatch(line))}
    assert set(lines) == found.keys()
    assert len(set(found.values())) == len(found)


def test_ci_and_wheels_have_each_supported_python() -> None:
    """On two architectures of Linux."""
    versions = [each.rpartition(" ")[2] for each in PROJECT["project"]["classifiers"] if ":: 3." in each]
    matrix = JOBS["ci"]["linux"]["strategy"]["matrix"]
    assert matrix["python"] == versions
    assert [name.endswith("-arm") for name in matrix["os"]] == [False, True]
    assert JOBS["ci"]["macos"]["strategy"]["matrix"]["python"] == [versions[0], versions[-1]]
    wheels = PROJECT["tool"]["cibuildwheel"]
    assert wheels["build"] == [f"cp{each.replace('.', '')}-*" for each in versions]
    assert wheels["environment"] == {"CPI_OAUTH_PROXY_COMPILE": "1"}


@cases("name", *TEXTS)
def test_a_target_that_a_workflow_makes_exists(name: str) -> None:
    """Among the phony ones."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (known,) = re.findall(r"(?m)^\.PHONY: (run .+)$", makefile)
    made = {
        word for words in re.findall(r"run: make ([^\n]+)", TEXTS[name]) for word in words.split() if "=" not in word
    }
    assert made
    assert made <= set(known.split())


def test_only_the_jobs_that_sign_have_more_than_read_access() -> None:
    """Or what they say."""
    assert all("\npermissions: {}\n" in text for text in TEXTS.values())
    allowed = {(job, right) for jobs in JOBS.values() for job, each in jobs.items() for right in each["permissions"]}
    assert {job for job, right in allowed if right != "contents"} == {"image", "publish"}
    assert JOBS["release"]["publish"]["environment"] == "pypi"


def test_the_released_image_has_its_base_by_digest() -> None:
    """The Dockerfile's default."""
    steps = JOBS["release"]["image"]["steps"]
    (found,) = (step["run"] for step in steps if step.get("id") == "base")
    assert "sed -n 's/^ARG BASE=//p' Dockerfile" in found
    assert "$tag@$digest" in found
    assert len(re.findall(r"(?m)^ARG BASE=", DOCKERFILE)) == 1
    (push,) = (step["with"] for step in steps if step.get("id") == "push")
    assert push["build-args"] == "BASE=${{ steps.base.outputs.name }}"
    assert push["platforms"] == "linux/amd64,linux/arm64"
