"""What the product says of itself."""

import json
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from proxy.cli.group import main
from proxy.config.load import find, load
from proxy.config.model import Configuration
from proxy.sandbox.clients import make_btp_client, secret_key
from tests.fakes.identity import CERTIFICATE

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
IMAGE = "cpi-oauth-proxy"
PLACE = "/etc/cpi-oauth-proxy/proxy.yaml"
"Where `run` finds a configuration that nobody named."
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def documents(path: Path) -> list[dict[str, Any]]:
    """All of a YAML file."""
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def instruction(name: str) -> str:
    """The last such one of the image."""
    found: list[str] = re.findall(rf"(?m)^ *{name} (.+)$", DOCKERFILE)
    return found[-1]


def image_user() -> int:
    """Of the image."""
    user, _, group = instruction("USER").partition(":")
    assert user == group
    return int(user)


def image_ports() -> list[int]:
    """For senders, then operators."""
    return [int(port) for port in instruction("EXPOSE").split()]


def image_command() -> list[str]:
    """Without further words."""
    words: list[str] = json.loads(instruction("ENTRYPOINT")) + json.loads(instruction("CMD"))
    return words


def image_volume() -> Path:
    """For outboxes."""
    found = re.search(r"(?m)^ENV .*(?:\n.*)?STATE_DIRECTORY=(\S+)$", DOCKERFILE)
    assert found is not None
    volume = Path(found[1]).parent
    assert f"COPY --from=builder --chown={image_user()}:{image_user()} /state {volume}\n" in DOCKERFILE
    return volume


def understood(words: Sequence[str] | str) -> dict[str, Any]:
    """An error for unknown words."""
    name, *rest = shlex.split(words) if isinstance(words, str) else words
    command = main.get_command(main.make_context("cpi-oauth-proxy", [name, *rest]), name)
    assert command is not None
    return dict(command.make_context(name, rest).params)


def content(name: str) -> str:
    """A service key, a certificate or another secret."""
    key = secret_key(make_btp_client(), url="https://up.example", token_url="https://as.example/t", created=0)
    return {"service-key": json.dumps(key), "ca": CERTIFICATE, "store-keys": "k" * 43 + "="}.get(
        name.partition(".")[0], "secret"
    )


def with_files(text: str, folder: Path, *mounted: str) -> str:
    """Places in a text, below a folder, with files."""
    for place in mounted:
        below = folder / place.strip("/").replace("/", "-")
        below.mkdir()
        for name in re.findall(rf"{re.escape(place)}/([\w.-]+)", text):
            (below / name).write_text(content(name))
        text = text.replace(f"{place}/", f"{below}/")
    return text


def loaded(text: str, folder: Path, **variables: str) -> Configuration:
    """By the product's own loader."""
    file = folder / "proxy.yaml"
    file.write_text(text)
    return load(file, variables)


def from_variables(variables: dict[str, str]) -> Configuration:
    """Of the environment."""
    return find(None, variables, places=())
