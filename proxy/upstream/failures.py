"""What a sender is told when an exchange with an upstream fails after it was connected."""

import ssl

from proxy.errors import ProxyError, UpstreamClosed, UpstreamMalformed, UpstreamTimeout
from proxy.wire.heads import HeadTooLong
from proxy.wire.tls_context import reason_of

LARGEST_HEAD = 256 << 10
"Octets of a response head; four times what the routers in front of Cloud Integration let through."
UNCERTAIN = "The message may have arrived: look for it in the monitor before sending it again."


def malformed(name: str, error: Exception) -> ProxyError:
    """Its answer cannot be read."""
    what = f"a head of more than {LARGEST_HEAD >> 10} KiB" if isinstance(error, HeadTooLong) else str(error)
    return UpstreamMalformed(f"{name} answered with {what}; look at what stands before it.")


def silent(name: str, seconds: float) -> ProxyError:
    """It has said nothing for so long."""
    return UpstreamTimeout(f"{name} was silent for {seconds:g} s; raise `timeout` if that is usual. {UNCERTAIN}")


def unanswered(name: str, error: Exception | None) -> ProxyError:
    """It ended before it answered; an alert of TLS 1.3 about our certificate comes only now (RFC 8446 §4.4.2.4)."""
    if isinstance(error, ssl.SSLError):
        question = "does it want a certificate (the route's `tls`)?"
        return UpstreamClosed(
            f"{name} ended TLS ({reason_of(error)}); {question} {UNCERTAIN}", proxy_status="tls_alert_received"
        )
    return UpstreamClosed(f"{name} closed the connection before it answered. {UNCERTAIN}")


def cut_short(name: str) -> ProxyError:
    """Its answer is not whole."""
    return UpstreamClosed(f"{name} closed the connection in the middle of its answer.")
