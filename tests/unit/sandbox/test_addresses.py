"""Ports and URLs."""

import socket
from collections.abc import Iterator

import pytest

from proxy.sandbox.addresses import Addresses, bind


def test_urls_are_made_of_the_ports() -> None:
    """Three are HTTPS, the control address is not."""
    urls = Addresses(neo=1, xsuaa=2, runtime=3, control=4)
    assert urls.neo_token_url == "https://127.0.0.1:1/oauth2/api/v1/token"
    assert urls.xsuaa_token_url == "https://127.0.0.1:2/oauth/token"
    assert (urls.runtime_url, urls.control_url) == ("https://127.0.0.1:3", "http://127.0.0.1:4")


def test_free_ports_differ() -> None:
    """Each socket has its own."""
    sockets = bind(0)
    ports = sockets.addresses()
    for one in (sockets.neo, sockets.xsuaa, sockets.runtime, sockets.control):
        one.close()
    assert len({ports.neo, ports.xsuaa, ports.runtime, ports.control}) == 4


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that is taken, after one that is free."""
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


def test_a_port_that_is_taken_is_named_and_the_others_are_given_back(taken: int) -> None:
    """They can be bound again at once."""
    with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{taken}"):
        bind(taken - 1)
    with socket.socket() as other:
        other.bind(("127.0.0.1", taken - 1))
