"""Configurations from text, with files that are in memory, and texts that they are put together from."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from proxy.config.model import Configuration
from proxy.config.problems import ConfigurationError
from proxy.config.resolve import resolve
from proxy.config.yaml_text import read_yaml
from tests.fakes.identity import CERTIFICATE, KEY

FOLDER = Path("/etc/test")
TOKEN_URL = "https://as.example.com/token"
KEY_URL = "https://t.it-cpi001-rt.cfapps.eu10.hana.ondemand.com"
PEM = KEY + CERTIFICATE
"A key and its certificate, with the chain."
OAUTH = {
    "clientid": "sb-1",
    "clientsecret": "s$x=",
    "tokenurl": "https://t.authentication.x/oauth/token",
    "url": KEY_URL,
}
SECRET_KEY = json.dumps({"oauth": OAUTH})
CERTIFICATE_KEY = json.dumps({"oauth": {**OAUTH, "clientsecret": None, "certificate": PEM, "key": PEM}})
EXTERNAL_KEY = json.dumps({"oauth": {**OAUTH, "clientsecret": None, "certificate": PEM}})
BARE: dict[str, Any] = {"token_url": TOKEN_URL, "client_id": "a"}
BASIC: dict[str, Any] = BARE | {"client_secret": "s"}
ROUTE: dict[str, Any] = {"path": "/x", "upstream": "https://up.example.com/http/x", "oauth_client": "a"}


def written(*, client: Any = None, route: Any = None, routes: Any = None, **general: Any) -> str:
    """A file (JSON is YAML) with one OAuth client `a` and one route or several."""
    document = {"oauth_clients": {"a": BASIC if client is None else client}, **general}
    return json.dumps({**document, "routes": [route or ROUTE] if routes is None else routes})


class Files:
    """A reader of files that remembers instead of reading."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = texts

    def __call__(self, path: Path) -> SecretStr:
        """The text of the file in the test's folder."""
        try:
            return SecretStr(self.texts[str(path.relative_to(FOLDER))])
        except (KeyError, ValueError):
            raise ValueError("is not there") from None


def understand(text: str, *, files: Mapping[str, str] | None = None, insecure_listen: bool = False) -> Configuration:
    """The configuration of a YAML text."""
    tree, problems = read_yaml(text, file="proxy.yaml", environ={})
    return resolve(tree, problems, folder=FOLDER, read=Files(files or {}), insecure_listen=insecure_listen)


def complaints(text: str, *, files: Mapping[str, str] | None = None) -> list[str]:
    """The problems of a YAML text, as they are shown."""
    with pytest.raises(ConfigurationError) as caught:
        understand(text, files=files)
    return [str(problem) for problem in caught.value.problems]


def assert_told(text: str, told: str | list[str], *, at: str = "", files: Mapping[str, str] | None = None) -> None:
    """By the beginnings of all problems; `sesame` is shown only where these say so."""
    found, expected = complaints(text, files=files), [told] if isinstance(told, str) else sorted(told)
    assert len(found) == len(expected), found
    for problem, start in zip(sorted(found), expected, strict=True):
        assert problem.startswith(f"proxy.yaml:1: {at}{start}")
        assert problem.count("sesame") == start.count("sesame")
