"""Where an upstream is."""

import ssl
from dataclasses import dataclass

from proxy.config.egress import CorporateProxy
from proxy.hosts import host_and_port


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamOrigin:
    """The address of an upstream, and how to connect to it."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    "None for plain HTTP."
    proxy: CorporateProxy | None = None
    "What the connection is tunnelled through."
    option: str = "`upstream`"
    "The option that names the address, for messages."

    def __str__(self) -> str:
        return host_and_port(self.host, self.port)

    @property
    def description(self) -> str:
        """The address for messages about a failed connection, with the corporate proxy if there is one."""
        return f"{self} (through the corporate proxy {self.proxy.url})" if self.proxy else str(self)
