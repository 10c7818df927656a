"""What a sender is told about each failure of an upstream."""

import socket
import ssl

import pytest

from proxy.config.egress import CorporateProxy
from proxy.upstream.failures import tls_failure, too_late, unreachable
from proxy.upstream.origin import UpstreamOrigin

ORIGIN = UpstreamOrigin(host="u.example", port=443, tls=None)


@pytest.mark.parametrize(
    ("error", "text", "error_type"),
    [
        (socket.gaierror(-2, "x"), "The name u.example cannot be resolved; check `upstream`, and DNS.", "dns_error"),
        (ConnectionRefusedError(111, "x"), "u.example:443 refused", "connection_refused"),
        (ssl.SSLError(1, "x"), "TLS 1.2 or newer", "tls_protocol_error"),
        (OSError(113, "No route to host"), "No route to host", "destination_unavailable"),
        (OSError(), "OSError", "destination_unavailable"),
        (ConnectionResetError(), "ConnectionResetError", "destination_unavailable"),
    ],
)
def test_each_kind_of_failure_says_what_it_is(error: OSError, text: str, error_type: str) -> None:
    """RFC 9209 §2.3 has the names."""
    failure = unreachable(ORIGIN, error)

    assert text in failure.detail
    assert failure.error_type == error_type


def test_a_refused_corporate_proxy_is_named() -> None:
    """Its options are named, not the port."""
    origin = UpstreamOrigin(host="u.example", port=443, tls=None, proxy=CorporateProxy(url="http://p.example:3128"))

    detail = unreachable(origin, ConnectionRefusedError()).detail

    assert detail == (
        "The corporate proxy http://p.example:3128 refused the connection; check `proxy_url` and HTTPS_PROXY."
    )
    assert too_late(origin, 10, resolved=True).detail == (
        "No connection to u.example:443 (through the corporate proxy http://p.example:3128) within 10 s;"
        " is a firewall in between, and does that proxy answer?"
    )


def test_the_option_of_a_token_endpoint_is_its_own() -> None:
    """`doctor` uses the same sentences."""
    origin = UpstreamOrigin(host="u.example", port=443, tls=None, option="`token_url`")

    assert unreachable(origin, ConnectionRefusedError()).detail == (
        "u.example:443 refused the connection; is it running, and is the port in `token_url` right?"
    )
    assert too_late(origin, 10, resolved=True).detail == (
        "No connection to u.example:443 within 10 s;"
        " is a firewall in between, or is a corporate proxy required (`proxy_url`)?"
    )


def test_a_handshake_that_is_broken_off_is_no_certificate_error() -> None:
    """An older TLS ends like this."""
    failure = tls_failure("u.example:443", ConnectionResetError())

    assert failure.detail == "u.example:443 ended the TLS handshake; does it speak https, and TLS 1.2 or newer?"
    assert failure.error_type == "tls_protocol_error"
