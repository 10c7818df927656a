"""When certificates expire."""

import asyncio
import datetime as dt
import threading

import pytest
import trustme

from proxy.config import file_threads
from proxy.oauth.certificate_expiry import DAY, CredentialExpiry, first_end
from tests.cases import cases
from tests.fakes.certificates import other_version
from tests.fakes.clock import HandClock
from tests.unit.oauth.world import Lines

EPOCH = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)


class Pauses:
    """A sleep that can be awaited, and never ends."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[float] = asyncio.Queue()

    async def __call__(self, seconds: float) -> None:
        await self.asked.put(seconds)
        await asyncio.get_running_loop().create_future()


def certificate(days: float) -> bytes:
    """A PEM chain whose first certificate ends `days` after the epoch of these tests."""
    authority = trustme.CA()
    leaf = authority.issue_cert("proxy.example", not_after=EPOCH + dt.timedelta(days=days))
    return b"".join(blob.bytes() for blob in leaf.cert_chain_pems)


async def look(pem: bytes, *, wall: float) -> tuple[CredentialExpiry, Lines, float]:
    """Check one certificate; also returns the pause until the next check."""
    log, pauses = Lines(), Pauses()
    clock = HandClock(wall=wall)
    expiry = CredentialExpiry({"invoices": lambda: pem}, clock=clock, log=log, sleep=pauses)
    expiry.start()
    pause = await pauses.asked.get()
    await expiry.close()
    return expiry, log, pause


async def test_a_certificate_is_checked_daily_without_a_warning() -> None:
    """Its end is known."""
    expiry, log, pause = await look(certificate(31), wall=EPOCH.timestamp())
    assert expiry.ends == {"invoices": EPOCH.timestamp() + 31 * DAY}
    assert log.all == []
    assert pause == DAY


@cases("days, words", (29, "in time"), (-1, "has expired"))
async def test_an_end_within_thirty_days_is_a_warning(days: float, words: str) -> None:
    """The detail tells an end that is near from one that is past."""
    _, log, _ = await look(certificate(days), wall=EPOCH.timestamp())
    [(event, fields)] = log.all
    assert event == "credential.expiring"
    assert fields["days_left"] == days
    assert words in fields["detail"]


async def test_a_file_that_is_not_a_certificate_is_not_quoted() -> None:
    """The log has only the class of the error."""
    expiry, log, _ = await look(b"s3cret", wall=EPOCH.timestamp())
    assert expiry.ends == {}
    assert log.all == [("credential.unreadable", {"credential": "invoices", "reason": "ValueError"})]


async def test_a_certificate_of_a_version_that_does_not_exist_does_not_hold_up_the_others() -> None:
    """What reads it raises an error of its own kind."""
    log, pauses, pem = Lines(), Pauses(), certificate(31)
    read = {"a": lambda: other_version(pem), "b": lambda: pem}
    expiry = CredentialExpiry(read, clock=HandClock(wall=EPOCH.timestamp()), log=log, sleep=pauses)
    expiry.start()
    async with asyncio.timeout(30):
        await pauses.asked.get()
    await expiry.close()
    assert list(expiry.ends) == ["b"]
    assert log.all == [("credential.unreadable", {"credential": "a", "reason": "InvalidVersion"})]


async def test_without_certificates_nothing_runs() -> None:
    """Starting and closing do nothing."""
    expiry = CredentialExpiry({}, clock=HandClock(), log=Lines())
    expiry.start()
    await expiry.close()
    assert expiry.ends == {}


def test_the_first_end_in_a_chain_counts() -> None:
    """A chain is not valid without its intermediate certificates."""
    assert first_end(certificate(3) + certificate(2)) == EPOCH.timestamp() + 2 * DAY


async def test_a_file_that_hangs_does_not_delay_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is logged like one that cannot be read."""
    monkeypatch.setattr(file_threads, "LIMIT", 0.05)
    log, pauses, go = Lines(), Pauses(), threading.Event()

    def hang() -> bytes:
        go.wait(30)
        return b""

    pem = certificate(31)
    first_end(pem)  # loads what reads certificates
    expiry = CredentialExpiry({"hangs": hang, "b": lambda: pem}, clock=HandClock(), log=log, sleep=pauses)
    monkeypatch.setattr(expiry._threads["b"], "_limit", 30)
    expiry.start()
    await pauses.asked.get()
    await expiry.close()
    go.set()
    assert list(expiry.ends) == ["b"]
    assert log.all == [("credential.unreadable", {"credential": "hangs", "reason": "FileHangs"})]
