"""The way to a server step by step, for people who look for a fault: name, connection, proxy, TLS, HTTP, clock.

The proxy itself does all of it at once (upstream/pool.py, oauth/endpoint.py); here each step says what holds, or what
to do. HTTP is asked for with `OPTIONS *`, which means the server as a whole and no resource (RFC 9110 §9.3.7), so no
integration flow either.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, NamedTuple

from aiohappyeyeballs import start_connection

from proxy.config.egress import CorporateProxy
from proxy.cpi.explain import explain
from proxy.errors import UpstreamUnreachable
from proxy.hosts import host_and_port
from proxy.timeouts import timeout
from proxy.upstream.failures import tls_failure
from proxy.upstream.pool import ATTEMPT_DELAY
from proxy.upstream.tunnel import tunnel
from proxy.wire.field_names import FieldNames
from proxy.wire.grammar import ResponseHead, ResponseReader
from proxy.wire.heads import HeadCollector, HeadMalformed, HeadTooLong
from proxy.wire.resolver import Resolver
from proxy.wire.tls_context import reason_of

LARGEST_HEAD = 64 << 10
"Octets."
SOON = 14 * 86400
"Seconds before the end of a certificate from which on it is told."
SKEW = 30
"Seconds between two clocks that harm nobody: an assertion lives for 60 (RFC 7523 §3), and Date has whole seconds."


class CheckStatus(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


class Step(NamedTuple):
    """One check."""

    check: str
    result: CheckStatus
    detail: str


class CheckResult(NamedTuple):
    """What came of a check."""

    result: CheckStatus
    detail: str


class CheckFailed(Exception):
    """A check that failed; the sentence says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where to go, by which way."""

    host: str
    port: int
    option: str
    "What in the configuration says so."
    proxy: CorporateProxy | None
    timeout: float = 10.0
    "Seconds for each step."

    def __str__(self) -> str:
        return host_and_port(self.host, self.port)


async def one_by_one(checks: dict[str, Callable[[], Awaitable[CheckResult]]]) -> AsyncIterator[Step]:
    """Makes the checks in order; after one that fails, the others are passed over."""
    failed = ""
    for name, check in checks.items():
        if failed:
            yield Step(name, CheckStatus.SKIPPED, f"not looked at, for {failed} failed")
            continue
        try:
            step = Step(name, *await check())
        except CheckFailed as fault:
            step = Step(name, CheckStatus.FAILED, str(fault))
        failed = name if step.result is CheckStatus.FAILED else ""
        yield step


class Probe:
    """One walk to one server."""

    tls: ssl.SSLContext | None = None
    "To be set before the step of this name; None for plain HTTP."

    def __init__(self, server: Server, *, needs_clock: bool = False, wall: Callable[[], float] = time.time) -> None:
        """`needs_clock` where the server judges what we sign by its own clock."""
        self._server = server
        self._needs_clock = needs_clock
        self._wall = wall
        self._addresses: list[Any] = []
        self._connected: socket.socket | None = None
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._head: ResponseHead | None = None

    def checks(self) -> dict[str, Callable[[], Awaitable[CheckResult]]]:
        """The steps in order, each of which needs those before."""
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
        """Ends the connection."""
        if self._streams:
            self._streams[1].transport.abort()
        elif self._connected:
            self._connected.close()

    async def _resolve(self) -> CheckResult:
        host, port = self._next
        try:
            async with timeout(self._server.timeout):
                self._addresses = await Resolver().resolve(host, port)
        except (OSError, UnicodeError):  # TimeoutError among them
            raise CheckFailed(f"The name {host} cannot be resolved; check {self._option} and DNS.") from None
        return CheckResult(
            CheckStatus.OK, f"{host}: {', '.join(sorted({str(each[4][0]) for each in self._addresses}))}"
        )

    async def _connect(self) -> CheckResult:
        host, port = self._next
        try:
            async with timeout(self._server.timeout):
                self._connected = await start_connection(self._addresses, happy_eyeballs_delay=ATTEMPT_DELAY)
        except TimeoutError:
            advice = "is a firewall in between, or does it take a corporate proxy (`proxy_url`)?"
            raise CheckFailed(f"No connection to {host}:{port} within {self._server.timeout:g} s; {advice}") from None
        except ConnectionRefusedError:
            raise CheckFailed(
                f"{host}:{port} refused the connection; does it run, is the port in {self._option} right?"
            ) from None
        except OSError as error:
            raise CheckFailed(
                f"No connection to {host}:{port}: {error.strerror or error}; check {self._option}."
            ) from None
        return CheckResult(CheckStatus.OK, f"connected to port {port}")

    async def _tunnel(self) -> CheckResult:
        proxy = self._server.proxy
        if proxy is None or self._connected is None:
            return CheckResult(CheckStatus.SKIPPED, "none is on the way")
        try:
            async with timeout(self._server.timeout):
                await tunnel(self._connected, proxy, str(self._server))
        except UpstreamUnreachable as error:
            raise CheckFailed(error.detail) from None
        except (OSError, TimeoutError):
            raise CheckFailed(f"The corporate proxy {proxy.url} does not answer; check {self._option}.") from None
        return CheckResult(CheckStatus.OK, f"{proxy.url} connects to {self._server}")

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
            return CheckResult(CheckStatus.SKIPPED, "http:// has none")
        secured = self._streams[1].get_extra_info("ssl_object")
        return CheckResult(CheckStatus.OK, f"{secured.version()}, {secured.cipher()[0]}")

    async def _certificate(self) -> CheckResult:
        if self.tls is None or self._streams is None:
            return CheckResult(CheckStatus.SKIPPED, "http:// has none")
        content = self._streams[1].get_extra_info("ssl_object").getpeercert(binary_form=True)
        told, end = certificate(content)
        soon = end - self._wall() < SOON
        return CheckResult(
            CheckStatus.WARNING if soon else CheckStatus.OK, told + ("; it ends soon, tell its owner" if soon else "")
        )

    async def _ask(self) -> CheckResult:
        server = self._server
        try:
            async with timeout(server.timeout):
                self._head, text = await self._options()
        except TimeoutError:
            raise CheckFailed(f"{server} does not answer within {server.timeout:g} s.") from None
        except (HeadMalformed, HeadTooLong):
            raise CheckFailed(f"{server} answers with something that is no HTTP; check {server.option}.") from None
        except (OSError, EOFError) as error:
            wants = "; does it want a certificate (`tls`)?" if self.tls else ""
            reason = f" ({reason_of(error)})" if isinstance(error, ssl.SSLError) else ""
            raise CheckFailed(f"{server} ended the connection without an answer{reason}{wants or '.'}") from None
        if self._head.fields.value(b"x-cf-routererror"):
            known = explain(self._head.status, self._head.fields.pairs(), text)
            raise CheckFailed(
                str(known or f"The router in front answers {self._head.status}, and reaches no application.")
            )
        return CheckResult(CheckStatus.OK, f"a server answers (OPTIONS *: {self._head.status})")

    async def _compare(self) -> CheckResult:
        date = self._head.fields.value(b"date").decode("latin-1") if self._head else ""
        try:
            behind = parsedate_to_datetime(date).timestamp() - self._wall()
        except (ValueError, OverflowError):
            return CheckResult(CheckStatus.SKIPPED, "the server tells no time")
        if abs(behind) <= SKEW:
            return CheckResult(CheckStatus.OK, "as the server's")
        which = "behind" if behind > 0 else "ahead of"
        result = CheckStatus.FAILED if self._needs_clock else CheckStatus.WARNING
        return CheckResult(result, f"This machine's clock is {abs(behind):.0f} s {which} the server's; set it (NTP).")

    async def _options(self) -> tuple[ResponseHead, bytes]:
        if self._streams is None:
            raise EOFError
        reader, writer = self._streams
        writer.write(f"OPTIONS * HTTP/1.1\r\nHost: {self._server}\r\nConnection: close\r\n\r\n".encode("latin-1"))
        collector, head, rest = HeadCollector(LARGEST_HEAD), b"", b""
        octets = b""
        while True:
            while not head:
                came, octets = octets, rest or await reader.read(LARGEST_HEAD)
                if not octets:
                    raise HeadMalformed("It ends too early.") if came else EOFError
                head, rest = collector.feed(octets)
            parsed, head = ResponseReader(FieldNames()).read(head), b""
            if parsed.status >= 200:  # what comes before is no answer yet (RFC 9110 §15.2)
                return parsed, rest

    @property
    def _next(self) -> tuple[str, int]:
        """What is connected to: the corporate proxy, if there is one."""
        server = self._server
        return server.proxy.address if server.proxy else (server.host, server.port)

    @property
    def _option(self) -> str:
        return "`proxy_url` and HTTPS_PROXY" if self._server.proxy else self._server.option


async def presented(server: Server) -> str:
    """What the certificate that is not accepted says of itself; nothing if it cannot be had."""
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE  # looked at, not trusted: nothing is sent
    way, told = Probe(server), ""
    way.tls = trusting
    try:
        async for step in one_by_one(way.checks()):
            if step.check == "certificate":
                told = f" {step.detail}" if step.result is not CheckStatus.SKIPPED else ""
                break
    finally:
        way.close()
    return told


def certificate(content: bytes) -> tuple[str, float]:
    """(what a certificate says of itself, its end as wall time)."""
    from cryptography.x509 import load_der_x509_certificate  # noqa: PLC0415 - only where one was shown

    shown = load_der_x509_certificate(content)
    until = shown.not_valid_after_utc
    subject, issuer = (name.rfc4514_string() or "nobody" for name in (shown.subject, shown.issuer))
    told = f"It is for {subject}, by {issuer}, from {shown.not_valid_before_utc:%Y-%m-%d} to {until:%Y-%m-%d}"
    return told, until.timestamp()
