"""Where the proxy keeps what has to outlive it, and what replicas share."""

import re
from typing import Annotated
from urllib.parse import parse_qsl

from pydantic import AfterValidator

from proxy.config.base import Model
from proxy.config.parsed_values import FilePath

_URL = re.compile(r"postgres(?:ql)?://(?:(?P<user>[^/?#]*)@)?(?P<hosts>[^/?#]*)(?:/[^?#]*)?(?:\?(?P<query>[^#]*))?")
_SECRETS = {"password", "passfile", "sslpassword", "oauth_client_secret"}


def check_postgres_url(text: str) -> str:
    """A URL as libpq reads it, without a password; ValueError does not show it."""
    found = _URL.fullmatch(text)
    if found is None or not all("!" <= letter <= "~" for letter in text):
        raise ValueError(
            "is not a valid URL; write postgresql://user@host/database, and percent-encode other characters"
        )
    if ":" in (found["user"] or ""):
        raise ValueError("contains a password; remove it and use `password_file`")
    if named := sorted(
        _SECRETS & {name.lower() for name, _ in parse_qsl(found["query"] or "", keep_blank_values=True)}
    ):
        raise ValueError(f"has {named[0]} in its query; remove it and use `password_file`")
    return text


PostgresUrl = Annotated[str, AfterValidator(check_postgres_url)]


class StoreSettings(Model):
    """The folder for messages of outboxes, or the database that replicas share."""

    postgres: PostgresUrl | None = None
    "URL of the PostgreSQL database that replicas share, as libpq reads it; needs keys_file and the extra postgres."
    password_file: FilePath | None = None
    "File with the database's password, read again for each new connection."
    path: FilePath | None = None
    "Folder of this proxy alone; by default STATE_DIRECTORY, else cpi-oauth-proxy in XDG_STATE_HOME (~/.local/state)."
    keys_file: FilePath | None = None
    "Keys (base64 of 32 bytes, one a line) for what is kept: the first encrypts, all decrypt; by default no encryption."
