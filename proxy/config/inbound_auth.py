"""How senders authenticate, as options of a route; inbound_files.py reads the files."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from proxy.config.base import Model
from proxy.config.checked_text import FreeField
from proxy.config.parsed_values import FilePath

_PART = re.compile(r"(?:\\.|[^\\,])+", re.DOTALL)
_TYPE_AND_VALUE = re.compile(
    r"\s*([A-Za-z][A-Za-z0-9-]*|[0-9.]+)\s*=\s*((?:\\.|[^\\\"])*?)\s*",
    re.DOTALL,
)


def check_subject(text: str) -> str:
    """Returns a whole subject without spaces between its parts; ValueError if it is not a name or was cut."""
    parts = _PART.findall(text)
    found = [_TYPE_AND_VALUE.fullmatch(part) for part in parts]
    is_cut = any(part.endswith("\u2026") for part in parts)
    if ",".join(parts) != text or text != text.strip() or is_cut or not all(found):
        raise ValueError("is not a valid certificate subject; copy it from the log, like CN=erp,O=Example (RFC 4514)")
    return ",".join(f"{each[1]}={each[2]}" for each in found if each)


def both_orders(subject: str) -> tuple[str, str]:
    """Returns the subject, and the same from its last part to its first.

    RFC 4514 begins with the last part of a certificate's subject, and many tools with the first.
    """
    return subject, ",".join(reversed(_PART.findall(subject)))


Subject = Annotated[str, AfterValidator(check_subject)]


class Basic(Model):
    """Senders authenticate with name and password (RFC 7617)."""

    users_file: FilePath
    "Users as htpasswd -B writes them: name:hash lines, bcrypt or argon2."


class ApiKey(Model):
    """Senders authenticate with a key in a field of their requests."""

    field: FreeField = "X-API-Key"
    "The field with the key; it is not forwarded."
    keys_file: FilePath
    "The keys that are accepted, one per line."


class ClientCertificate(Model):
    """Senders authenticate with a certificate, at a listener with `client_ca_file`."""

    subjects: Annotated[tuple[Subject, ...], Field(min_length=1)]
    "Subjects of the certificates that are accepted (RFC 4514), as `client_certificate` in the log, or in reverse."


class InboundAuth(Model):
    """How senders authenticate; exactly one kind."""

    basic: Basic | None = None
    "Name and password."
    api_key: ApiKey | None = None
    "A key."
    client_certificate: ClientCertificate | None = None
    "A certificate."
