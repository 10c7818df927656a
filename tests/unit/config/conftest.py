"""Configurations from text, with files that are in memory."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from pydantic import SecretStr

from proxy.config.model import Configuration
from proxy.config.problems import ConfigurationError
from proxy.config.resolve import resolve
from proxy.config.yaml_text import read_yaml

FOLDER = Path("/etc/test")
Understand = Callable[..., Configuration]
Complaints = Callable[..., list[str]]


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


@pytest.fixture
def understand() -> Understand:
    """Understands a YAML text as a configuration."""

    def understood(
        text: str,
        *,
        files: Mapping[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
        insecure_listen: bool = False,
    ) -> Configuration:
        tree, problems = read_yaml(text, file="proxy.yaml", environ=environ or {})
        return resolve(tree, problems, folder=FOLDER, read=Files(files or {}), insecure_listen=insecure_listen)

    return understood


@pytest.fixture
def complaints(understand: Understand) -> Complaints:
    """The problems of a YAML text, as they are shown."""

    def found(
        text: str, *, files: Mapping[str, str] | None = None, environ: Mapping[str, str] | None = None
    ) -> list[str]:
        with pytest.raises(ConfigurationError) as caught:
            understand(text, files=files, environ=environ)
        return [str(problem) for problem in caught.value.problems]

    return found
