"""Whether a configuration has a store, and where it is."""

from collections.abc import Mapping
from pathlib import Path

from proxy.config.model import Configuration
from proxy.store.folder import folder_of


def is_needed(configuration: Configuration) -> bool:
    """Whether the configuration has an outbox, or names a folder whose messages are to be delivered."""
    return configuration.store.path is not None or any(route.outbox for route in configuration.routes)


def store_folder(configuration: Configuration, environ: Mapping[str, str]) -> Path | None:
    """Returns the folder, or None if the configuration needs no store."""
    return folder_of(configuration.store.path, environ) if is_needed(configuration) else None
