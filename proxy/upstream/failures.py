"""What a sender is told if a connection to an upstream fails, or an exchange on it."""

import socket
import ssl

from proxy.errors import (
    ConnectTimeout,
    Draining,
    ProxyError,
    UpstreamClosed,
    UpstreamMalformed,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from proxy.upstream.origin import UpstreamOrigin
from proxy.wire.heads import HeadTooLong
from proxy.wire.tls_context import certificate_advice, reason_of

LARGEST_HEAD = 256 << 10
"Bytes of a response head; four times what the routers in front of Cloud Integration allow."
UNCERTAIN = "The message may have arrived: look for it in the monitor before sending it again."


def malformed(name: str, error: Exception) -> ProxyError:
    """Returns the error for a response that is not valid HTTP."""
    what = f"a head of more than {LARGEST_HEAD >> 10} KiB" if isinstance(error, HeadTooLong) else str(error)
    return UpstreamMalformed(f"{name} answered with {what}; check what is in front of it.")


def silent(name: str, seconds: float) -> ProxyError:
    """Returns the error for a silence of that many seconds."""
    return UpstreamTimeout(f"{name} was silent for {seconds:g} s; raise `timeout` if that is usual. {UNCERTAIN}")


def unanswered(name: str, error: Exception | None) -> ProxyError:
    """Returns the error for a connection that ended before the response.

    A TLS 1.3 alert about our certificate comes only now (RFC 8446 §4.4.2.4).
    """
    if isinstance(error, ssl.SSLError):
        question = "does it want a certificate (the route's `tls`)?"
        return UpstreamClosed(
            f"{name} ended TLS ({reason_of(error)}); {question} {UNCERTAIN}", proxy_status="tls_alert_received"
        )
    return UpstreamClosed(f"{name} closed the connection before it answered. {UNCERTAIN}")


def cut_short(name: str) -> ProxyError:
    """Returns the error for a response that was cut off."""
    return UpstreamClosed(f"{name} closed the connection in the middle of its answer.")


def stopped(origin: UpstreamOrigin) -> Draining:
    """Returns the error for a connection that was not made before the proxy stopped."""
    return Draining(
        f"The proxy was stopped before it had a connection to {origin}; send the message again.", retry_after=1
    )


def too_late(origin: UpstreamOrigin, timeout: float, *, resolved: bool) -> ConnectTimeout:
    """Returns the error for a connection, or a name, that took longer than `timeout` seconds (RFC 9209 §2.3.1)."""
    if not resolved:
        return ConnectTimeout(
            f"{_name(origin)} was not resolved within {timeout:g} s; check DNS.", proxy_status="dns_timeout"
        )
    question = "and does that proxy answer" if origin.proxy else "or is a corporate proxy required (`proxy_url`)"
    return ConnectTimeout(
        f"No connection to {origin.description} within {timeout:g} s; is a firewall in between, {question}?"
    )


def unreachable(origin: UpstreamOrigin, error: OSError | UnicodeError) -> ProxyError:
    """Returns the error for a failed connection, by the kind of exception that the system or OpenSSL raised."""
    options = "`proxy_url` and HTTPS_PROXY" if origin.proxy else origin.option
    match error:
        case ssl.SSLError():
            return tls_failure(str(origin), error)
        case socket.gaierror() | UnicodeError():
            return UpstreamUnreachable(
                f"{_name(origin)} cannot be resolved; check {options}, and DNS.", proxy_status="dns_error"
            )
        case ConnectionRefusedError() if origin.proxy:
            return UpstreamUnreachable(
                f"The corporate proxy {origin.proxy.url} refused the connection; check {options}.",
                proxy_status="connection_refused",
            )
        case ConnectionRefusedError():
            return UpstreamUnreachable(
                f"{origin} refused the connection; is it running, and is the port in {options} right?",
                proxy_status="connection_refused",
            )
        case _:
            reason = error.strerror or type(error).__name__
            return UpstreamUnreachable(f"No connection to {origin.description} ({reason}); check {options}.")


def _name(origin: UpstreamOrigin) -> str:
    """Returns the name that is looked up: the corporate proxy's, if there is one."""
    return f"The name of the corporate proxy {origin.proxy.url}" if origin.proxy else f"The name {origin.host}"


def tls_failure(name: str, error: OSError) -> UpstreamUnreachable:
    """Returns the error for a failed handshake. An error that is not OpenSSL's means that the server broke it off."""
    match error:
        case ssl.SSLCertVerificationError():
            detail = f"The certificate of {name} is not accepted ({reason_of(error)}): {certificate_advice(error)}."
            return UpstreamUnreachable(detail, proxy_status="tls_certificate_error")
        case ssl.SSLError():
            detail = f"TLS with {name} failed: {reason_of(error)}; does it speak https, and TLS 1.2 or newer?"
        case _:
            detail = f"{name} ended the TLS handshake; does it speak https, and TLS 1.2 or newer?"
    return UpstreamUnreachable(detail, proxy_status="tls_protocol_error")
