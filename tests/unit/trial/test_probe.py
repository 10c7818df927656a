"""Unusual servers, clocks and certificates."""

import ssl
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import trustme

from proxy.config.egress import CorporateProxy
from proxy.trial.checks import CheckResult, CheckStatus, run_in_order
from proxy.trial.probe import Probe, ProbedServer
from tests.cases import cases
from tests.fakes.speaker import speaker

NOW = datetime(2027, 1, 15, 8, tzinfo=UTC)


async def probed(
    port: int, *, now: datetime = NOW, needs_clock: bool = False, trust: ssl.SSLContext | None = None, **options: Any
) -> dict[str, CheckResult]:
    """By check."""
    server = ProbedServer(host="127.0.0.1", port=port, option="`upstream`", **{"proxy": None, "timeout": 5.0} | options)
    probe = Probe(server, needs_clock=needs_clock, wall=now.timestamp)
    probe.tls = trust
    try:
        return {name: result async for name, result in run_in_order(probe.checks())}
    finally:
        probe.close()


def dated(moment: datetime) -> bytes:
    """With this Date."""
    return f"HTTP/1.1 200 OK\r\nDate: {format_datetime(moment, usegmt=True)}\r\nContent-Length: 0\r\n\r\n".encode()


@cases(
    "seconds, needs_clock, status, words",
    (0, True, CheckStatus.OK, "within 30 s"),
    (30, True, CheckStatus.OK, "within 30 s"),
    (90, False, CheckStatus.WARNING, "90 s behind"),
    (90, True, CheckStatus.FAILED, "90 s behind"),
    (-600, True, CheckStatus.FAILED, "600 s ahead of"),
)
async def test_the_clocks_are_compared(seconds: int, needs_clock: bool, status: CheckStatus, words: str) -> None:
    """A failure only if signed times are compared."""
    async with speaker(dated(NOW + timedelta(seconds=seconds))) as port:
        found = (await probed(port, needs_clock=needs_clock))["clock"]
    assert found.status is status
    assert words in found.detail


@cases("date", b"", b"Date: yesterday\r\n", b"Date: Mon, 01 Jan 2020 00:00:00 +9999999999999\r\n")
async def test_a_server_without_a_valid_date_is_skipped(date: bytes) -> None:
    """Nothing fails."""
    async with speaker(b"HTTP/1.1 200 OK\r\n" + date + b"Content-Length: 0\r\n\r\n") as port:
        assert (await probed(port))["clock"].status is CheckStatus.SKIPPED


async def test_an_interim_response_is_not_the_answer() -> None:
    """After a 100 (Continue) comes more."""
    async with speaker(b"HTTP/1.1 100 Continue\r\n\r\n" + dated(NOW)) as port:
        assert (await probed(port))["HTTP"].detail == "the server answered OPTIONS * with 200"


@cases(
    "status, error, words",
    (404, "unknown_route", "wrong_host"),
    (502, "endpoint_failure (tls: bad certificate)", "runtime_unavailable"),
    (400, "empty_host", "The router in front of the tenant answered 400"),
)
async def test_an_error_of_the_router_fails_the_check(status: int, error: str, words: str) -> None:
    """Unknown ones with their status."""
    answer = f"HTTP/1.1 {status} No\r\nX-Cf-RouterError: {error}\r\nContent-Length: 0\r\n\r\n"
    async with speaker(answer.encode()) as port:
        found = (await probed(port))["HTTP"]
    assert found.status is CheckStatus.FAILED
    assert words in found.detail


async def test_a_certificate_that_expires_soon_is_a_warning() -> None:
    """Within 14 days."""
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", not_after=datetime.now(UTC) + timedelta(days=3)).configure_cert(tls)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with speaker(dated(NOW), tls) as port:
        found = (await probed(port, now=datetime.now(UTC), trust=trusting))["certificate"]
    assert found.status is CheckStatus.WARNING
    assert "it expires soon" in found.detail


async def test_a_silent_server_fails_the_handshake() -> None:
    """After the timeout."""
    async with speaker(None) as port:
        found = (await probed(port, trust=ssl.create_default_context(), timeout=0.2))["TLS"]
    assert found.status is CheckStatus.FAILED
    assert "TLS handshake" in found.detail


async def test_a_silent_corporate_proxy_fails() -> None:
    """The option is named."""
    async with speaker(None) as port:
        through = CorporateProxy(url=f"http://127.0.0.1:{port}")
        found = (await probed(9, proxy=through, timeout=0.2))["proxy"]
    assert found.status is CheckStatus.FAILED
    assert "does not answer; check `proxy_url`" in found.detail
