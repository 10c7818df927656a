"""Connects to a server step by step: name, connection, corporate proxy, TLS, HTTP, clock.

The proxy itself does all of it at once (upstream/pool.py, oauth/endpoint.py); here each step says what it found, or
what to do. The HTTP request is `OPTIONS *`, which is for the server as a whole and not for a resource (RFC 9110
§9.3.7), so it calls no integration flow.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from aiohappyeyeballs import start_connection

from proxy.config.egress import CorporateProxy
from proxy.cpi.explain import explain
from proxy.errors import UpstreamUnreachable
from proxy.hosts import host_and_port
from proxy.timeouts import timeout
from proxy.trial.checks import CheckFailed, CheckResult, Checks, CheckStatus, ok, run_in_order, skipped, warning
from proxy.upstream.failures import tls_failure, too_late, unreachable
from proxy.upstream.origin import UpstreamOrigin
from proxy.upstream.pool import ATTEMPT_DELAY
from proxy.upstream.tunnel import tunnel
from proxy.wire.field_names import FieldNames
from proxy.wire.grammar import ResponseHead, ResponseReader
from proxy.wire.heads import HeadCollector, HeadMalformed, HeadTooLong
from proxy.wire.resolver import Resolver
from proxy.wire.tls_context import reason_of

LARGEST_HEAD = 64 << 10
"Bytes."
SOON = 14 * 86400
"A certificate that expires within this number of seconds is a warning."
SKEW = 30
"Tolerated difference of two clocks in seconds: an assertion is valid for 60 (RFC 7523 §3); Date has whole seconds."


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbedServer:
    """A server, and how to reach it."""

    host: str
    port: int
    option: str
    "The option that names the server."
    proxy: CorporateProxy | None
    timeout: float = 10.0
    "Seconds for each step."

    def __str__(self) -> str:
        return host_and_port(self.host, self.port)

    @property
    def origin(self) -> UpstreamOrigin:
        """What messages about a failed connection name."""
        return UpstreamOrigin(host=self.host, port=self.port, tls=None, proxy=self.proxy, option=self.option)


class Probe:
    """One connection to one server."""

    tls: ssl.SSLContext | None = None
    "Set before the check `TLS` runs; None for plain HTTP."

    def __init__(
        self, server: ProbedServer, *, needs_clock: bool = False, wall: Callable[[], float] = time.time
    ) -> None:
        """`needs_clock`: the server compares times that we sign with its own clock."""
        self._server = server
        self._needs_clock = needs_clock
        self._wall = wall
        self._addresses: list[Any] = []
        self._connected: socket.socket | None = None
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._head: ResponseHead | None = None

    def checks(self) -> Checks:
        """The checks in order; each one needs those before it."""
        return {
            "DNS": self._resolve,
            "TCP": self._connect,
            "proxy": self._tunnel,
            "TLS": self._secure,
            "certificate": self._certificate,
            "HTTP": self._ask,
            "clock": self._compare,
        }

    def close(self) -> None:
        """Closes the connection."""
        if self._streams:
            self._streams[1].transport.abort()
        elif self._connected:
            self._connected.close()

    async def _resolve(self) -> CheckResult:
        server, (host, port) = self._server, self._next
        try:
            async with timeout(server.timeout):
                self._addresses = await Resolver().resolve(host, port)
        except TimeoutError:
            raise CheckFailed(too_late(server.origin, server.timeout, resolved=False).detail) from None
        except (OSError, UnicodeError) as error:
            raise CheckFailed(unreachable(server.origin, error).detail) from None
        return ok(f"{host}: {', '.join(sorted({str(each[4][0]) for each in self._addresses}))}")

    async def _connect(self) -> CheckResult:
        server, (_, port) = self._server, self._next
        try:
            async with timeout(server.timeout):
                self._connected = await start_connection(self._addresses, happy_eyeballs_delay=ATTEMPT_DELAY)
        except TimeoutError:
            raise CheckFailed(too_late(server.origin, server.timeout, resolved=True).detail) from None
        except OSError as error:
            raise CheckFailed(unreachable(server.origin, error).detail) from None
        return ok(f"connected to port {port}")

    async def _tunnel(self) -> CheckResult:
        proxy = self._server.proxy
        if proxy is None or self._connected is None:
            return skipped("none is used")
        try:
            async with timeout(self._server.timeout):
                await tunnel(self._connected, proxy, str(self._server))
        except UpstreamUnreachable as error:
            raise CheckFailed(error.detail) from None
        except (OSError, TimeoutError):
            raise CheckFailed(
                f"The corporate proxy {proxy.url} does not answer; check `proxy_url` and HTTPS_PROXY."
            ) from None
        return ok(f"{proxy.url} connects to {self._server}")

    async def _secure(self) -> CheckResult:
        server = self._server
        try:
            async with timeout(server.timeout):
                self._streams = await asyncio.open_connection(
                    sock=self._connected, ssl=self.tls, server_hostname=server.host if self.tls else None
                )
        except OSError as error:  # TimeoutError, too
            shown = await presented(server) if isinstance(error, ssl.SSLCertVerificationError) else ""
            raise CheckFailed(tls_failure(str(server), error).detail + shown) from None
        if self.tls is None:
            return skipped("not used with http://")
        secured = self._streams[1].get_extra_info("ssl_object")
        return ok(f"{secured.version()}, {secured.cipher()[0]}")

    async def _certificate(self) -> CheckResult:
        if self.tls is None or self._streams is None:
            return skipped("not used with http://")
        content = self._streams[1].get_extra_info("ssl_object").getpeercert(binary_form=True)
        described, end = describe_certificate(content)
        if end - self._wall() < SOON:
            return warning(f"{described}; it expires soon, tell its owner")
        return ok(described)

    async def _ask(self) -> CheckResult:
        server = self._server
        try:
            async with timeout(server.timeout):
                self._head, text = await self._options()
        except TimeoutError:
            raise CheckFailed(f"{server} does not answer within {server.timeout:g} s.") from None
        except (HeadMalformed, HeadTooLong):
            raise CheckFailed(f"{server} answers with something that is not HTTP; check {server.option}.") from None
        except (OSError, EOFError) as error:
            advice = "; does it require a client certificate (`tls`)?" if self.tls else ""
            reason = f" ({reason_of(error)})" if isinstance(error, ssl.SSLError) else ""
            raise CheckFailed(f"{server} ended the connection without an answer{reason}{advice or '.'}") from None
        if self._head.fields.value(b"x-cf-routererror"):
            known = explain(self._head.status, self._head.fields.pairs(), text)
            raise CheckFailed(
                str(
                    known
                    or f"The router in front of the tenant answered {self._head.status} and reached no application."
                )
            )
        return ok(f"the server answered OPTIONS * with {self._head.status}")

    async def _compare(self) -> CheckResult:
        date = self._head.fields.value(b"date").decode("latin-1") if self._head else ""
        try:
            behind = parsedate_to_datetime(date).timestamp() - self._wall()
        except (ValueError, OverflowError):
            return skipped("the server sent no date")
        if abs(behind) <= SKEW:
            return ok(f"within {SKEW} s of the server's")
        which = "behind" if behind > 0 else "ahead of"
        status = CheckStatus.FAILED if self._needs_clock else CheckStatus.WARNING
        return CheckResult(status, f"This machine's clock is {abs(behind):.0f} s {which} the server's; set it (NTP).")

    async def _options(self) -> tuple[ResponseHead, bytes]:
        if self._streams is None:
            raise EOFError
        reader, writer = self._streams
        writer.write(f"OPTIONS * HTTP/1.1\r\nHost: {self._server}\r\nConnection: close\r\n\r\n".encode("latin-1"))
        collector, head, rest = HeadCollector(LARGEST_HEAD), b"", b""
        received = b""
        while True:
            while not head:
                before, received = received, rest or await reader.read(LARGEST_HEAD)
                if not received:
                    raise HeadMalformed("It ends too early.") if before else EOFError
                head, rest = collector.feed(received)
            parsed, head = ResponseReader(FieldNames()).read(head), b""
            if parsed.status >= 200:  # a 1xx response comes before the answer (RFC 9110 §15.2)
                return parsed, rest

    @property
    def _next(self) -> tuple[str, int]:
        """The host and port to connect to: the corporate proxy's, if there is one."""
        server = self._server
        return server.proxy.address if server.proxy else (server.host, server.port)


async def presented(server: ProbedServer) -> str:
    """Describes the certificate that was not accepted; empty if the server does not show it again."""
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE  # only looked at: nothing is sent
    probe, described = Probe(server), ""
    probe.tls = trusting
    try:
        async for name, result in run_in_order(probe.checks()):
            if name == "certificate":
                described = f" It is {result.detail}" if result.status is not CheckStatus.SKIPPED else ""
                break
    finally:
        probe.close()
    return described


def describe_certificate(content: bytes) -> tuple[str, float]:
    """(subject, issuer and dates, its end as wall time)."""
    from cryptography.x509 import load_der_x509_certificate  # noqa: PLC0415 - loaded only if a certificate is shown

    shown = load_der_x509_certificate(content)
    until = shown.not_valid_after_utc
    subject, issuer = (name.rfc4514_string() or "nobody" for name in (shown.subject, shown.issuer))
    dates = f"valid from {shown.not_valid_before_utc:%Y-%m-%d} to {until:%Y-%m-%d}"
    return f"for {subject}, issued by {issuer}, {dates}", until.timestamp()
