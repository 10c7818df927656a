"""The four ports of the sandbox on loopback; they are bound first because its parts need to know their URLs."""

import socket
from contextlib import ExitStack
from dataclasses import dataclass

from proxy.sandbox import neo, xsuaa

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantAddresses:
    """The ports and their URLs."""

    neo: int
    xsuaa: int
    runtime: int
    control: int

    @property
    def neo_url(self) -> str:
        """Base URL of Neo's authorization server."""
        return f"https://{HOST}:{self.neo}"

    @property
    def neo_token_url(self) -> str:
        """Token URL of the Neo clients."""
        return self.neo_url + neo.TOKEN_PATH

    @property
    def xsuaa_url(self) -> str:
        """Base URL of XSUAA."""
        return f"https://{HOST}:{self.xsuaa}"

    @property
    def xsuaa_token_url(self) -> str:
        """Token URL of the BTP client."""
        return self.xsuaa_url + xsuaa.TOKEN_PATH

    @property
    def runtime_url(self) -> str:
        """Base URL of the runtime node; flows are below `/http`."""
        return f"https://{HOST}:{self.runtime}"

    @property
    def control_url(self) -> str:
        """Base URL of the control address."""
        return f"http://{HOST}:{self.control}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sockets:
    """The bound sockets; the caller of `bind` closes them."""

    neo: socket.socket
    xsuaa: socket.socket
    runtime: socket.socket
    control: socket.socket

    def addresses(self) -> TenantAddresses:
        """Returns the ports and URLs of the sockets."""
        return TenantAddresses(
            neo=_port(self.neo), xsuaa=_port(self.xsuaa), runtime=_port(self.runtime), control=_port(self.control)
        )


def bind(port_base: int) -> Sockets:
    """Binds four sockets from `port_base` on, or to free ports if it is 0; OSError if one of the ports is in use."""
    with ExitStack() as stack:
        bound = [stack.enter_context(_bind(port_base and port_base + offset)) for offset in range(4)]
        stack.pop_all()
    return Sockets(neo=bound[0], xsuaa=bound[1], runtime=bound[2], control=bound[3])


def _bind(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((HOST, port))
    except OSError as error:
        bound.close()
        raise OSError(error.errno, f"cannot listen on {HOST}:{port}: {error.strerror}") from error
    return bound


def _port(bound: socket.socket) -> int:
    port: int = bound.getsockname()[1]
    return port
