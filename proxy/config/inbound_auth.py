"""What senders show to be let in, as options of a route; what stands in the files is read by inbound_files.py."""

from typing import Annotated

from pydantic import AfterValidator, Field

from proxy.config.base import Model
from proxy.config.checked_text import FreeField
from proxy.config.parsed_values import FilePath


def check_subject(text: str) -> str:
    """A whole subject; ValueError for one that is no name, or that was cut."""
    if "=" not in text or text != text.strip() or text.endswith("\u2026"):
        raise ValueError("is no subject of a certificate, write it as the log has it, like CN=erp,O=Example (RFC 4514)")
    return text


Subject = Annotated[str, AfterValidator(check_subject)]


class Basic(Model):
    """Senders show name and password (RFC 7617)."""

    users_file: FilePath
    "Users as htpasswd -B writes them: name:hash lines, bcrypt or argon2."


class ApiKey(Model):
    """Senders show a key in a field of their requests."""

    field: FreeField = "X-API-Key"
    "The field that holds it; it does not go on."
    keys_file: FilePath
    "The keys that are accepted, one a line."


class ClientCertificate(Model):
    """Senders show a certificate, to a listener with `client_ca_file`."""

    subjects: Annotated[tuple[Subject, ...], Field(min_length=1)]
    "Subjects of the certificates that are let in (RFC 4514), as the log has them in `client_certificate`."


class InboundAuth(Model):
    """What senders show to be let in; exactly one kind."""

    basic: Basic | None = None
    "Name and password."
    api_key: ApiKey | None = None
    "A key."
    client_certificate: ClientCertificate | None = None
    "A certificate."
