"""The way to a server, where it takes an odd server or an odd clock."""

import ssl
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import trustme

from proxy.config.egress import CorporateProxy
from proxy.trial.probe import CheckFailed, CheckResult, CheckStatus, Probe, Server, Step, one_by_one
from tests.fakes.speaker import speaker

NOW = datetime(2027, 1, 15, 8, tzinfo=UTC)


async def walk(
    port: int,
    *,
    now: datetime = NOW,
    needs_clock: bool = False,
    trust: ssl.SSLContext | None = None,
    **options: Any,
) -> dict[str, Step]:
    """The steps by name."""
    place = Server(host="127.0.0.1", port=port, option="`upstream`", **{"proxy": None, "timeout": 5.0} | options)
    way = Probe(place, needs_clock=needs_clock, wall=now.timestamp)
    way.tls = trust
    try:
        return {step.check: step async for step in one_by_one(way.checks())}
    finally:
        way.close()


def dated(moment: datetime) -> bytes:
    """An answer of that time."""
    return f"HTTP/1.1 200 OK\r\nDate: {format_datetime(moment, usegmt=True)}\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.mark.parametrize(
    ("seconds", "needs_clock", "result", "words"),
    [
        (0, True, CheckStatus.OK, "as the server's"),
        (30, True, CheckStatus.OK, "as the server's"),
        (90, False, CheckStatus.WARNING, "90 s behind"),
        (90, True, CheckStatus.FAILED, "90 s behind"),
        (-600, True, CheckStatus.FAILED, "600 s ahead of"),
    ],
)
async def test_the_clocks_are_compared(seconds: int, needs_clock: bool, result: CheckStatus, words: str) -> None:  # noqa: FBT001
    """Where the server judges what we sign, a wrong clock is the cause; elsewhere it is told."""
    async with speaker(dated(NOW + timedelta(seconds=seconds))) as port:
        step = (await walk(port, needs_clock=needs_clock))["clock"]
    assert step.result is result
    assert words in step.detail


@pytest.mark.parametrize("date", [b"", b"Date: yesterday\r\n", b"Date: Mon, 01 Jan 2020 00:00:00 +9999999999999\r\n"])
async def test_a_server_without_a_clock_is_passed_over(date: bytes) -> None:
    """Nothing is wrong with it."""
    async with speaker(b"HTTP/1.1 200 OK\r\n" + date + b"Content-Length: 0\r\n\r\n") as port:
        assert (await walk(port))["clock"].result is CheckStatus.SKIPPED


async def test_a_word_before_the_answer_is_none() -> None:
    """100 (Continue) is no answer yet."""
    async with speaker(b"HTTP/1.1 100 Continue\r\n\r\n" + dated(NOW)) as port:
        assert (await walk(port))["HTTP"].detail == "a server answers (OPTIONS *: 200)"


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (404, "unknown_route", "wrong_host"),
        (502, "endpoint_failure (tls: bad certificate)", "runtime_unavailable"),
        (400, "empty_host", "The router in front answers 400"),
    ],
)
async def test_what_the_router_says_is_told(status: int, error: str, words: str) -> None:
    """With a reason behind the word or without."""
    answer = f"HTTP/1.1 {status} No\r\nX-Cf-RouterError: {error}\r\nContent-Length: 0\r\n\r\n"
    async with speaker(answer.encode()) as port:
        step = (await walk(port))["HTTP"]
    assert step.result is CheckStatus.FAILED
    assert words in step.detail


async def test_a_certificate_that_ends_soon_is_told() -> None:
    """Somebody else has to renew it, and may have forgotten."""
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", not_after=datetime.now(UTC) + timedelta(days=3)).configure_cert(tls)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with speaker(dated(NOW), tls) as port:
        step = (await walk(port, now=datetime.now(UTC), trust=trusting))["certificate"]
    assert step.result is CheckStatus.WARNING
    assert "it ends soon" in step.detail


async def test_a_server_that_waits_in_the_handshake_is_told() -> None:
    """It does not speak TLS, and does not say so either."""
    async with speaker(None) as port:
        step = (await walk(port, trust=ssl.create_default_context(), timeout=0.2))["TLS"]
    assert step.result is CheckStatus.FAILED
    assert "TLS handshake" in step.detail


async def test_a_corporate_proxy_that_does_not_answer_is_told() -> None:
    """Something listens there, and it is no proxy."""
    async with speaker(None) as port:
        through = CorporateProxy(url=f"http://127.0.0.1:{port}")
        step = (await walk(9, proxy=through, timeout=0.2))["proxy"]
    assert step.result is CheckStatus.FAILED
    assert "does not answer; check `proxy_url`" in step.detail


async def test_after_a_failure_the_rest_is_passed_over() -> None:
    """With the reason."""
    called = []

    async def fine() -> CheckResult:
        called.append("fine")
        return CheckResult(CheckStatus.OK, "yes")

    async def fails() -> CheckResult:
        raise CheckFailed("no")

    steps = [step async for step in one_by_one({"a": fine, "b": fails, "c": fine, "d": fine})]
    assert steps == [
        ("a", CheckStatus.OK, "yes"),
        ("b", CheckStatus.FAILED, "no"),
        ("c", CheckStatus.SKIPPED, "not looked at, for b failed"),
        ("d", CheckStatus.SKIPPED, "not looked at, for b failed"),
    ]
    assert called == ["fine"]
