"""When certificates expire, and who is told of it."""

import asyncio
import datetime as dt
import threading
from typing import Any

import pytest
import trustme

from proxy.config import file_threads
from proxy.oauth.expiry import DAY, CredentialExpiry, first_end
from tests.fakes.certificates import other_version
from tests.fakes.clock import HandClock

EPOCH = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)


class Recorder:
    """A log that remembers."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def info(self, event: str, **fields: Any) -> None:
        """Keep the event."""
        self.events.append((event, fields))

    warning = info


class Pauses:
    """A sleep that tells when it was called, and never ends."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[float] = asyncio.Queue()

    async def __call__(self, seconds: float) -> None:
        """Say that a pause was asked for."""
        await self.asked.put(seconds)
        await asyncio.get_running_loop().create_future()


def certificate(days: float) -> bytes:
    """A PEM chain whose first end is so many days after the epoch of these tests."""
    authority = trustme.CA()
    leaf = authority.issue_cert("proxy.example", not_after=EPOCH + dt.timedelta(days=days))
    return b"".join(blob.bytes() for blob in leaf.cert_chain_pems)


async def look(pem: bytes, *, wall: float) -> tuple[CredentialExpiry, Recorder, float]:
    """One look at one certificate; the pause until the next is returned."""
    log, pauses = Recorder(), Pauses()
    clock = HandClock(wall=wall)
    expiry = CredentialExpiry({"invoices": lambda: pem}, clock=clock, log=log, sleep=pauses)
    expiry.start()
    pause = await pauses.asked.get()
    await expiry.close()
    return expiry, log, pause


async def test_the_end_of_a_certificate_is_known_and_nobody_is_warned_early() -> None:
    """With 31 days left the end is known, the log is silent, and the next look is tomorrow's."""
    expiry, log, pause = await look(certificate(31), wall=EPOCH.timestamp())
    assert expiry.ends == {"invoices": EPOCH.timestamp() + 31 * DAY}
    assert log.events == []
    assert pause == DAY


@pytest.mark.parametrize(("days", "words"), [(29, "in time"), (-1, "has expired")])
async def test_an_end_that_is_near_is_a_warning(days: float, words: str) -> None:
    """Thirty days ahead the log warns, and says so too when it is too late."""
    _, log, _ = await look(certificate(days), wall=EPOCH.timestamp())
    [(event, fields)] = log.events
    assert event == "credential.expiring"
    assert fields["days_left"] == days
    assert words in fields["detail"]


async def test_what_is_no_certificate_is_told_without_its_content() -> None:
    """A file that holds something else is named by its kind of error only."""
    expiry, log, _ = await look(b"s3cret", wall=EPOCH.timestamp())
    assert expiry.ends == {}
    assert log.events == [("credential.unreadable", {"credential": "invoices", "reason": "ValueError"})]


async def test_a_certificate_of_a_version_that_does_not_exist_does_not_hold_up_the_others() -> None:
    """What reads it raises an error of its own kind."""
    log, pauses, pem = Recorder(), Pauses(), certificate(31)
    read = {"a": lambda: other_version(pem), "b": lambda: pem}
    expiry = CredentialExpiry(read, clock=HandClock(wall=EPOCH.timestamp()), log=log, sleep=pauses)
    expiry.start()
    async with asyncio.timeout(30):
        await pauses.asked.get()
    await expiry.close()
    assert list(expiry.ends) == ["b"]
    assert log.events == [("credential.unreadable", {"credential": "a", "reason": "InvalidVersion"})]


async def test_without_certificates_nothing_runs() -> None:
    """There is nothing to look at and nothing to stop."""
    expiry = CredentialExpiry({}, clock=HandClock(), log=Recorder())
    expiry.start()
    await expiry.close()
    assert expiry.ends == {}


def test_the_first_end_of_a_chain_counts() -> None:
    """An intermediate that expires earlier ends the chain."""
    assert first_end(certificate(3) + certificate(2)) == EPOCH.timestamp() + 2 * DAY


async def test_a_file_that_hangs_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told of like one that cannot be read."""
    monkeypatch.setattr(file_threads, "LIMIT", 0.05)
    log, pauses, go = Recorder(), Pauses(), threading.Event()

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
    assert (list(expiry.ends), log.events) == (
        ["b"],
        [("credential.unreadable", {"credential": "hangs", "reason": "FileHangs"})],
    )
