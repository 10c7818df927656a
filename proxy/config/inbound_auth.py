"""What senders show to be let in, as options of a route; what stands in the files is read by inbound_files.py."""

from proxy.config.names import FreeField
from proxy.config.part import Model
from proxy.config.values import FilePath


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


class InboundAuth(Model):
    """What senders show to be let in; exactly one kind."""

    basic: Basic | None = None
    "Name and password."
    api_key: ApiKey | None = None
    "A key."
