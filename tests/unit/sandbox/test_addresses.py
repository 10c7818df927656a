"""Ports and URLs."""

import socket
from collections.abc import Iterator

import pytest

from proxy.sandbox.addresses import TenantAddresses, bind


def test_urls_contain_the_ports() -> None:
    """HTTPS, but for control."""
    urls = TenantAddresses(neo=1, xsuaa=2, runtime=3, control=4)
    assert urls.neo_token_url == "https://127.0.0.1:1/oauth2/api/v1/token"
    assert urls.xsuaa_token_url == "https://127.0.0.1:2/oauth/token"
    assert urls.runtime_url == "https://127.0.0.1:3"
    assert urls.control_url == "http://127.0.0.1:4"


def test_free_ports_differ() -> None:
    """One for each socket."""
    sockets = bind(0)
    ports = sockets.addresses()
    for each in (sockets.neo, sockets.xsuaa, sockets.runtime, sockets.control):
        each.close()
    assert len({ports.neo, ports.xsuaa, ports.runtime, ports.control}) == 4


@pytest.fixture
def port_in_use() -> Iterator[int]:
    """Behind a free one."""
    for _ in range(100):
        with socket.socket() as upper, socket.socket() as lower:
            upper.bind(("127.0.0.1", 0))
            port: int = upper.getsockname()[1]
            try:
                lower.bind(("127.0.0.1", port - 1))
            except OSError:
                continue
            lower.close()
            yield port
            return


def test_a_port_in_use_is_named_and_the_others_are_closed(port_in_use: int) -> None:
    """They can be bound at once."""
    with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port_in_use}"):
        bind(port_in_use - 1)
    with socket.socket() as other:
        other.bind(("127.0.0.1", port_in_use - 1))
