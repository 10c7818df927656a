"""Where the proxy keeps what has to outlive it."""

from proxy.config.base import Model
from proxy.config.parsed_values import FilePath


class StoreSettings(Model):
    """The folder for messages of outboxes."""

    path: FilePath | None = None
    "Folder of this proxy alone; by default STATE_DIRECTORY, else cpi-oauth-proxy in XDG_STATE_HOME (~/.local/state)."
    keys_file: FilePath | None = None
    "Keys (base64 of 32 bytes, one a line) for messages: the first encrypts, all decrypt; by default no encryption."
