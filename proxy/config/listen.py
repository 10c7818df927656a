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
    "Certificate shown to senders, with its chain (PEM)."
    key_file: FilePath | None = None
    "Key of the certificate (PEM); not needed where cert_file holds both."
    client_ca_file: FilePath | None = None
    "Authorities of senders' certificates (PEM); with it a sender has to show one."


class ListenerSettings(Model):
    """One address that senders reach us at."""

    address: ListenAddress
    "host:port, [IPv6]:port or unix:/path; 0.0.0.0 takes IPv4 only, [::] IPv6 only: for both, name both."
    allow: tuple[Network, ...] | None = None
    "Only senders in these networks (CIDR); without it any."
    tls: ListenerTls | None = None
    "TLS for senders; without it plain HTTP."

    @property
    def fenced(self) -> bool:
        """Whether it does not let in just anybody: by network, or by certificate."""
        return self.allow is not None or (self.tls is not None and self.tls.client_ca_file is not None)


class Admin(Model):
    """One address that operators reach us at, never one of the senders."""

    address: ListenAddress = Field(ADMIN, json_schema_extra={"default": str(ADMIN)})
    "host:port, [IPv6]:port or unix:/path."
    hosts: tuple[Host, ...] = ()
    "Names that requests on loopback may have in Host, beside localhost and loopback addresses."
