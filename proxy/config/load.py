"""Finds and reads the configuration: a named file, a file at one of three places, or the environment."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from proxy.config.egress import check_environment
from proxy.config.environment import read_environment
from proxy.config.files import FileTooLarge, read_file
from proxy.config.model import Configuration
from proxy.config.problems import ConfigurationError, DocumentSource, Problem, Problems
from proxy.config.resolve import resolve
from proxy.config.secrets import read_secret
from proxy.config.yaml_text import read_yaml

__all__ = ["PLACES", "ConfigurationError", "Problem", "UnresolvedConfiguration", "find", "load", "locate", "written"]

PLACES = (Path("proxy.yaml"), Path("config/proxy.yaml"), Path("/etc/cpi-oauth-proxy/proxy.yaml"))
"Where a file is searched if none is named; the first that exists is used."


class UnresolvedConfiguration(NamedTuple):
    """A configuration as it is written."""

    tree: dict[str, Any]
    problems: Problems
    folder: Path
    "Where relative paths start."


def load(path: Path, environ: Mapping[str, str], *, insecure_listen: bool = False) -> Configuration:
    """Returns the configuration in the file; raises ConfigurationError with all problems at once.

    Reads secret files; sends nothing. `insecure_listen` permits a listener that anyone can use.
    """
    return _resolved(_in_file(path, environ), insecure_listen=insecure_listen)


def find(
    named: Path | None,
    environ: Mapping[str, str],
    *,
    insecure_listen: bool = False,
    places: tuple[Path, ...] | None = None,
) -> Configuration:
    """Returns the configuration of the named file, of a file at its place, or of the environment; raises as `load`."""
    return _resolved(written(named, environ, places=places), insecure_listen=insecure_listen)


def written(
    named: Path | None, environ: Mapping[str, str], *, places: tuple[Path, ...] | None = None
) -> UnresolvedConfiguration:
    """Returns the document that `find` resolves; raises ConfigurationError if there is none, or it cannot be read."""
    path = locate(named, places=places)
    if path is not None:
        return _in_file(path, environ)
    found = read_environment(environ)
    if found is None:
        searched = ", ".join(str(place) if place.is_absolute() else f"./{place}" for place in _searched(places))
        wrong = f"looked for {searched} and the variables CPI_UPSTREAM, CPI_TOKEN_URL and the others"
        raise _refused(
            "no configuration",
            f"{wrong}; let `cpi-oauth-proxy init` write a file, name one with -c, or set the variables",
        )
    _check(environ, otherwise="")
    return UnresolvedConfiguration(*found, Path.cwd())


def locate(named: Path | None, *, places: tuple[Path, ...] | None = None) -> Path | None:
    """Returns the file that `find` reads; None for the environment."""
    return named or next((place for place in _searched(places) if os.access(place, os.F_OK)), None)


def _searched(places: tuple[Path, ...] | None) -> tuple[Path, ...]:
    return PLACES if places is None else places


def _in_file(path: Path, environ: Mapping[str, str]) -> UnresolvedConfiguration:
    _check(environ)
    return UnresolvedConfiguration(*read_yaml(_text(path), file=str(path), environ=environ), path.parent.absolute())


def _resolved(document: UnresolvedConfiguration, *, insecure_listen: bool) -> Configuration:
    tree, problems, folder = document
    return resolve(tree, problems, folder=folder, read=read_secret, insecure_listen=insecure_listen)


def _check(environ: Mapping[str, str], *, otherwise: str = "; `proxy_url: direct` needs none") -> None:
    try:
        check_environment(environ)
    except ValueError as error:
        raise _refused("environment", f"{error}, or be unset{otherwise}") from None


def _text(path: Path) -> str:
    try:
        text = read_file(path).decode("utf-8-sig")
    except OSError as error:
        raise _refused(str(path), f"cannot be read ({error.strerror}); name one that this user can read") from None
    except FileTooLarge:
        raise _refused(str(path), "is larger than 1 MiB; name the right one") from None
    except UnicodeDecodeError:
        raise _refused(str(path), "is not UTF-8; write it as UTF-8", line=1) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _refused(file: str, text: str, *, line: int = 0) -> ConfigurationError:
    return ConfigurationError((DocumentSource(file=file, lines={(): line}).problem((), text),))
