"""How senders authenticate, as options of a route; inbound_files.py reads the files."""

from typing import Annotated

from pydantic import AfterValidator, Field

from proxy.config.base import Model
from proxy.config.checked_text import FreeField
from proxy.config.parsed_values import FilePath


def check_subject(text: str) -> str:
    """Returns a whole subject; ValueError if it is not a name or was cut."""
    if "=" not in text or text != text.strip() or text.endswith("\u2026"):
        raise ValueError("is not a valid certificate subject; copy it from the log, like CN=erp,O=Example (RFC 4514)")
    return text


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
    "Subjects of the certificates that are accepted (RFC 4514), as `client_certificate` in the log has them."


class InboundAuth(Model):
    """How senders authenticate; exactly one kind."""

    basic: Basic | None = None
    "Name and password."
    api_key: ApiKey | None = None
    "A key."
    client_certificate: ClientCertificate | None = None
    "A certificate."
