"""A service key as a folder with a file per entry (servicebinding.io; secrets of the SAP BTP service operator).

Kubernetes keeps the files in a hidden folder and lets the symlink `..data` name the newest, so that all change at once.
"""

import json
from collections.abc import Callable
from pathlib import Path

from pydantic import SecretStr

from proxy.config.secrets import SecretError
from proxy.config.service_key import ENTRIES, WRAPPERS

_NEWEST = "..data"


def key_files(path: Path) -> tuple[Path, ...]:
    """Returns the file itself; of a folder the files that a service key is read from, all of one version."""
    try:
        there = {entry.name for entry in path.iterdir()}
    except (OSError, ValueError):
        return (path,)
    folder = (path / _NEWEST).resolve() if _NEWEST in there else path
    return tuple(folder / name for name in (*WRAPPERS, *ENTRIES) if name in there)


def read_service_key(path: Path, read: Callable[[Path], SecretStr]) -> SecretStr:
    """Returns what `read` returns for the file; for a folder the service key of its files as JSON text.

    Raises what `read` raises, and SecretError for a folder without such files.
    """
    files = key_files(path)
    if files == (path,):
        return read(path)
    if not files:
        raise SecretError(
            f"the folder {path} has no file of a service key in it (clientid, …); name the folder of the binding"
        )
    return SecretStr(json.dumps({file.name: read(file).get_secret_value() for file in files}))
