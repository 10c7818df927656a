"""The product takes every configuration of the documents."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import bcrypt
import pytest
import yaml

from proxy.config.load import load
from proxy.config.model import Configuration
from proxy.config.problems import ConfigurationError
from tests.docs.pages import PAGES, ROOT, blocks, each_page, read
from tests.unit.config.entries import BASIC, CERTIFICATE_KEY, PEM, ROUTE, SECRET_KEY

CONTENTS = {
    "service_key_file": SECRET_KEY,
    "cert_file": PEM,
    "key_file": PEM,
    "ca_file": PEM,
    "client_ca_file": PEM,
    "private_key_file": PEM,
    "keys_file": "0123456789abcdef\n",
    "token_file": "0123456789abcdef\n",
}
"What the files of options hold; of others a secret."
PARTS = {
    "oauth_clients",
    "routes",
    "listen",
    "admin",
    "limits",
    "log",
    "trusted_proxies",
    "reuse_port",
    "drain_timeout",
}


@cache
def users() -> str:
    """With one cheap password."""
    return f"erp:{bcrypt.hashpw(b'secret', bcrypt.gensalt(4)).decode()}\n"


def configurations(page: Path) -> Iterator[tuple[str, str]]:
    """(where, text), also parts, and within manifests."""
    for block in blocks(page, "yaml"):
        for document in yaml.safe_load_all(block.text):
            if set(document) <= PARTS:
                yield str(block), block.text
            elif document.get("kind") == "ConfigMap":
                yield str(block), document["data"]["proxy.yaml"]


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """By what a part leaves out."""
    routes = document.get("routes", [])
    named = {route["oauth_client"]: {"service_key": SECRET_KEY} for route in routes}
    document = {"oauth_clients": named or {"a": BASIC}, **document}
    return (
        document
        if routes
        else {**document, "routes": [{**ROUTE, "oauth_client": next(iter(document["oauth_clients"]))}]}
    )


def with_files(node: Any, folder: Path, option: str = "") -> Any:
    """In the folder, each acceptable."""
    if isinstance(node, dict):
        return {key: with_files(value, folder, key) for key, value in node.items()}
    if isinstance(node, list):
        return [with_files(each, folder) for each in node]
    if not option.endswith("_file"):
        return node
    path = folder / re.sub(r"\W", "-", str(node))
    content = (
        CERTIFICATE_KEY if "certificate" in str(node) and option == "service_key_file" else CONTENTS.get(option, "s")
    )
    path.write_text(users() if option == "users_file" else content)
    return str(path)


def loaded(text: str, folder: Path) -> Configuration:
    """By the product, its variables set."""
    document = with_files(completed(yaml.safe_load(text)), folder)
    variables = dict.fromkeys(re.findall(r"\$\{(\w+)\}", text), "s")
    file = folder / "proxy.yaml"
    file.write_text(yaml.safe_dump(document))
    return load(file, {**variables, "CPI_SERVICE_KEY": SECRET_KEY})


@each_page
def test_each_configuration_is_right(page: Path, tmp_path: Path) -> None:
    """By `check`'s loader."""
    for where, text in configurations(page):
        try:
            loaded(text, tmp_path)
        except ConfigurationError as error:
            pytest.fail(f"{where}: {[str(problem) for problem in error.problems]}")


def sections(page: Path) -> Iterator[tuple[str, str]]:
    """(heading, text); `#` in a block is none."""
    heading, lines, fenced = page.name, list[str](), False
    for line in read(page).splitlines():
        fenced ^= line.lstrip().startswith("```")
        if line.startswith("#") and not fenced:
            yield heading, "\n".join(lines)
            heading, lines = line.lstrip("# "), []
        lines.append(line)
    yield heading, "\n".join(lines)


def test_secrets_survive_a_restart_of_the_machine() -> None:
    """Outside containers /run is memory."""
    transient = [heading for page in PAGES for heading, text in sections(page) if "/run/secrets" in text]
    assert [heading for heading in transient if "container" not in heading] == []
    assert transient
    plain = [*(ROOT / "config").iterdir(), *(ROOT / "deploy" / "systemd").iterdir()]
    assert [file.name for file in plain if "/run/secrets" in file.read_text()] == []


def test_the_container_s_recipe_says_owner_and_mode_of_each_secret() -> None:
    """Below /run/secrets."""
    ((_, text),) = (found for found in sections(ROOT / "docs" / "getting-started.md") if "/run/secrets" in found[1])
    installs = re.findall(r"(?m)^sudo install -D -o 10001 -g 10001 -m 0400 (.+)$", text)
    made = {name.rpartition("/")[2] for words in installs for name in words.split()}
    named = set(re.findall(r"_file: /run/secrets/([\w.-]+)", text))
    assert named
    assert named <= made


def test_a_wrong_one_would_be_found(tmp_path: Path) -> None:
    """An unknown option, an open listener."""
    for text in ("log: {levle: info}", "listen: 0.0.0.0:8080"):
        with pytest.raises(ConfigurationError):
            loaded(text, tmp_path)


def test_configurations_are_found() -> None:
    """In manifests, too."""
    found = {page.relative_to(ROOT).as_posix(): sum(1 for _ in configurations(page)) for page in PAGES}
    least = {"README.md": 2, "docs/access.md": 4, "docs/btp.md": 3}
    assert {name: found[name] for name in least} == least
