"""Where the proxy listens: for senders, and for operators."""

from pydantic import Field

from proxy.config.base import Model
from proxy.config.parsed_values import Address, FilePath, ListenAddress, Network
from proxy.config.urls import Host

ADMIN = Address(host="127.0.0.1", port=9901)
"Where the admin address is unless the file says otherwise."


class ListenerTls(Model):
    """TLS for senders: 1.2 or newer."""

    cert_file: FilePath
    "The listener's certificate, with its chain (PEM)."
    key_file: FilePath | None = None
    "Private key of the certificate (PEM); not needed if cert_file contains both."
    client_ca_file: FilePath | None = None
    "Authorities of senders' certificates (PEM); if set, each sender must show one."


class ListenerSettings(Model):
    """One address where senders connect."""

    address: ListenAddress
    "host:port, [IPv6]:port or unix:/path; 0.0.0.0 is IPv4 only, [::] is IPv6 only; name both for both."
    allow: tuple[Network, ...] | None = None
    "Only senders in these networks (CIDR); by default any."
    tls: ListenerTls | None = None
    "TLS for senders; by default plain HTTP."

    @property
    def fenced(self) -> bool:
        """Whether it restricts senders, by network or by certificate."""
        return self.allow is not None or (self.tls is not None and self.tls.client_ca_file is not None)


class Admin(Model):
    """The address for operators, apart from those for senders."""

    address: ListenAddress = Field(ADMIN, json_schema_extra={"default": str(ADMIN)})
    "host:port, [IPv6]:port or unix:/path."
    token_file: FilePath | None = None
    "File with the admin token, which console and outbox need; by default each start makes a new one."
    hosts: tuple[Host, ...] = ()
    "Names that requests on loopback may have in Host, besides localhost and loopback addresses."
