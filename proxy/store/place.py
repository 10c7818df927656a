"""Whether a configuration needs a folder for messages, and where that is."""

from collections.abc import Mapping
from pathlib import Path

from proxy.config.model import Configuration
from proxy.store.folder import folder_of


def is_needed(configuration: Configuration) -> bool:
    """Whether the configuration has an outbox, or names a folder whose messages are to be delivered.

    Messages that replicas share are in their database.
    """
    store = configuration.store
    has_outbox = any(route.outbox for route in configuration.routes)
    return store.postgres is None and (store.path is not None or has_outbox)


def store_folder(configuration: Configuration, environ: Mapping[str, str]) -> Path | None:
    """Returns the folder, or None if the configuration needs none."""
    return folder_of(configuration.store.path, environ) if is_needed(configuration) else None
