"""Bodies in files."""

import asyncio
import errno
import os
import stat
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from proxy.errors import BodyTooLarge, Draining, RequestMalformed, SpoolUnavailable
from proxy.forwarding import spool as module
from proxy.forwarding.body import Body, SpooledBody, StreamedBody, collect
from proxy.forwarding.spool import AT_A_TIME, PIECE, Spool, SpoolFile
from proxy.wire.body import IncomingBody
from tests.cases import cases
from tests.fakes.transport import MemoryTransport
from tests.unit.forwarding.bodies import State, state
from tests.unit.forwarding.world import settings
from tests.unit.oauth.world import Lines


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's folder for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def notes() -> Lines:
    """What is logged."""
    return Lines()


@pytest.fixture
def spool(folder: Path, notes: Lines) -> Spool:
    """A folder of ours in that."""
    del folder
    return Spool(notes)


async def read(body: Body) -> bytes:
    """Reads all of it."""
    assert not isinstance(body, SpooledBody | StreamedBody) or not body.reader().waiting
    assert isinstance(body, SpooledBody | StreamedBody)
    reader, content = body.reader(), b""
    while piece := await reader.read():
        content += piece
    return content


def arrived(*pieces: bytes, length: int | None = None) -> IncomingBody:
    """Makes a body that has arrived."""
    incoming = IncomingBody(MemoryTransport(), length)
    for piece in pieces:
        incoming.push(piece)
    incoming.end()
    return incoming


class Dripping(IncomingBody):
    """A body that arrives piece by piece."""

    def __init__(self, *pieces: bytes, failure: Exception | None = None) -> None:
        super().__init__(MemoryTransport(), None)
        self._coming, self._then = list(pieces), failure

    async def read(self) -> bytes:
        """The next piece."""
        if self._coming:
            self.push(self._coming.pop(0))
        elif self._then:
            raise self._then
        else:
            self.end()
        return await super().read()


LIMITS = settings(buffer=4, spool=10, max_body=12)


@pytest.mark.parametrize(
    "incoming", [Dripping(b"abc", b"de", b"fghi"), arrived(b"abcdefghi", length=9)], ids=["chunked", "announced"]
)
async def test_a_body_above_the_buffer_goes_into_a_file_and_can_be_sent_again(
    incoming: IncomingBody, spool: Spool
) -> None:
    """Each read begins at the first byte."""
    body = await collect(incoming, LIMITS, spool)
    assert isinstance(body, SpooledBody)
    assert (body.length, body.replayable) == (9, True)
    assert (await read(body), await read(body)) == (b"abcdefghi", b"abcdefghi")
    body.close()
    await spool.close()


async def test_a_large_body_is_read_in_pieces(spool: Spool) -> None:
    """A piece has a bounded size."""
    content = os.urandom(PIECE) + b"rest"
    body = await collect(arrived(content), settings(spool=2 * PIECE, buffer=1), spool)
    assert isinstance(body, SpooledBody)
    reader = body.reader()
    assert [len(await reader.read()) for _ in range(3)] == [PIECE, 4, 0]
    body.close()


async def test_a_body_that_outgrows_the_file_is_streamed_from_its_first_octet(spool: Spool) -> None:
    """It can be sent again until the first read."""
    body = await collect(Dripping(b"abc", b"defgh", b"ijk"), LIMITS, spool)
    assert isinstance(body, StreamedBody)
    assert state(body) == State(None, replayable=True, waiting=False)
    assert await read(body) == b"abcdefghijk"
    assert state(body) == State(None, replayable=False, waiting=False)
    body.close()


async def test_a_body_above_spool_is_streamed(spool: Spool) -> None:
    """So it is without `spool`, or a folder."""
    assert isinstance(await collect(IncomingBody(MemoryTransport(), 11), LIMITS, spool), StreamedBody)
    assert isinstance(await collect(arrived(b"abcde"), settings(buffer=4), spool), StreamedBody)
    assert isinstance(await collect(arrived(b"abcde"), LIMITS), StreamedBody)


async def test_a_file_has_no_name_and_its_folder_is_ours_alone(spool: Spool, folder: Path) -> None:
    """Nothing is left behind."""
    body = await collect(arrived(b"abcde"), LIMITS, spool)
    (ours,) = folder.iterdir()
    assert (list(ours.iterdir()), stat.S_IMODE(ours.stat().st_mode)) == ([], 0o700)
    body.close()
    await spool.close()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("incoming", "error"),
    [
        (Dripping(b"abcde", failure=RequestMalformed("cut")), RequestMalformed),
        (Dripping(b"abcde", b"f" * 8), BodyTooLarge),
    ],
)
async def test_a_file_is_closed_when_its_body_does_not_become_whole(
    incoming: IncomingBody, error: type[Exception], single: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Descriptors are limited."""
    opened: list[SpoolFile] = []

    async def remembering() -> SpoolFile:
        opened.append(await Spool.open(single))
        return opened[0]

    monkeypatch.setattr(single, "open", remembering)
    with pytest.raises(error):
        await collect(incoming, LIMITS, single)
    (file,) = opened
    await settled(single)
    assert file._file.closed


@cases("number", errno.ENOSPC, errno.ETIMEDOUT)
async def test_a_disk_without_room_makes_a_stream_of_it(
    spool: Spool, notes: Lines, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """The log has the reason."""
    written = os.pwrite

    def full(descriptor: int, octets: bytes, at: int) -> int:
        if at + len(octets) > 6:
            raise OSError(number, os.strerror(number))
        return written(descriptor, octets, at)

    monkeypatch.setattr(os, "pwrite", full)
    body = await collect(Dripping(b"abcde", b"fgh"), LIMITS, spool)
    assert isinstance(body, StreamedBody)
    assert await read(body) == b"abcdefgh"
    body.close()
    ((event, fields),) = notes.all
    assert (event, fields["reason"]) == ("spool.failed", os.strerror(number))


async def test_without_a_place_for_a_folder_a_body_is_streamed(spool: Spool, notes: Lines, folder: Path) -> None:
    """The log has the failure."""
    for ours in folder.iterdir():
        ours.rmdir()
    folder.rmdir()
    body = await collect(arrived(b"abcde"), LIMITS, spool)
    assert await read(body) == b"abcde"
    assert [event for event, _ in notes.all] == ["spool.failed"]


async def test_a_folder_that_a_cleaner_has_removed_is_made_again(spool: Spool, notes: Lines, folder: Path) -> None:
    """Bodies share the new folder."""
    (first,) = folder.iterdir()
    first.rmdir()
    bodies = await asyncio.gather(*(collect(arrived(b"abcde"), LIMITS, spool) for _ in range(8)))
    assert all(isinstance(each, SpooledBody) for each in bodies)
    (again,) = folder.iterdir()
    assert (stat.S_IMODE(again.stat().st_mode), notes.all) == (0o700, [])
    for each in bodies:
        each.close()
    await spool.close()
    assert list(folder.iterdir()) == []


async def test_a_disk_that_hangs_does_not_hold_up_the_end(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """All threads may be waiting for it."""
    go, begun = threading.Event(), threading.Semaphore(0)

    def hang(*_: object, **__: object) -> None:
        begun.release()
        go.wait(30)
        raise OSError(errno.EIO, "gone")

    monkeypatch.setattr(tempfile, "TemporaryFile", hang)
    monkeypatch.setattr(module, "LAST_WAIT", 0.01)
    opening = [asyncio.ensure_future(spool.open()) for _ in range(AT_A_TIME + 1)]
    await asyncio.to_thread(lambda: [begun.acquire(timeout=30) for _ in range(AT_A_TIME)])
    async with asyncio.timeout(30):
        await spool.close()
    go.set()
    assert all(isinstance(each, OSError) for each in await asyncio.gather(*opening, return_exceptions=True))


async def test_a_short_write_is_finished(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system may write less than requested."""
    written = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda descriptor, octets, at: written(descriptor, octets[:2], at))
    body = await collect(arrived(b"abcdefg"), LIMITS, spool)
    assert await read(body) == b"abcdefg"
    body.close()


class Disk:
    """Accesses that hang until they are let go."""

    def __init__(self) -> None:
        self.go, self._begun = threading.Event(), threading.Event()

    def __call__(self, *_: object, **__: object) -> int:
        """Hang, then fail."""
        self._begun.set()
        assert self.go.wait(30)
        raise OSError(errno.EIO, "gone")

    async def begun(self) -> None:
        """Wait until it has been asked for something."""
        assert await asyncio.to_thread(self._begun.wait, 30)


@pytest.fixture
def disk() -> Iterator[Disk]:
    """It answers at the end of the test."""
    made = Disk()
    yield made
    made.go.set()


@pytest.fixture
def single(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> Spool:
    """With one thread."""
    monkeypatch.setattr(spool._threads, "_most", 1)
    return spool


async def settled(single: Spool) -> None:
    """Wait until the thread is done."""
    for _ in range(2):
        await single._threads.submit(lambda: None)


@cases("access", "pwrite", "pread")
async def test_a_disk_that_hangs_is_a_failure_after_a_time(
    single: Spool, monkeypatch: pytest.MonkeyPatch, disk: Disk, access: str
) -> None:
    """The descriptor is in use until its thread is done."""
    file = await single.open()
    await file.append(b"abc")
    monkeypatch.setattr(os, access, disk)
    monkeypatch.setattr(module, "LIMIT", 0.01)
    with pytest.raises(SpoolUnavailable, match=r"no answer within 0\.01 s"):
        await (file.append(b"d") if access == "pwrite" else file.read(0))
    await disk.begun()
    file.close()
    assert [file._file.closed] == [False]
    disk.go.set()
    await settled(single)
    assert file._file.closed


async def test_a_body_that_cannot_be_written_in_time_is_not_streamed(
    spool: Spool, notes: Lines, monkeypatch: pytest.MonkeyPatch, disk: Disk
) -> None:
    """The file would not come back."""
    monkeypatch.setattr(os, "pwrite", disk)
    monkeypatch.setattr(module, "LIMIT", 0.01)
    with pytest.raises(SpoolUnavailable):
        await collect(arrived(b"abcde"), LIMITS, spool)
    assert notes.all == []


async def test_a_file_that_is_not_there_in_time_makes_a_stream_of_it(
    single: Spool, notes: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that comes too late is closed."""
    go, made, create = threading.Event(), list[IO[bytes]](), tempfile.TemporaryFile

    def late(*_: object, **options: Any) -> IO[bytes]:
        assert go.wait(30)
        made.append(create(**options))
        return made[0]

    monkeypatch.setattr(tempfile, "TemporaryFile", late)
    monkeypatch.setattr(module, "LIMIT", 0.01)
    body = await collect(arrived(b"abcde"), LIMITS, single)
    assert await read(body) == b"abcde"
    assert [(event, fields["reason"]) for event, fields in notes.all] == [("spool.failed", "no answer within 0.01 s")]
    go.set()
    await settled(single)
    assert [each.closed for each in made] == [True]


@cases("number", errno.EIO, errno.ETIMEDOUT, errno.ESTALE)
async def test_a_disk_that_fails_when_it_is_read_is_a_failure(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Its sentence has the system's reason."""
    body = await collect(arrived(b"abcde"), LIMITS, spool)

    def fail(*_: object) -> bytes:
        raise OSError(number, "x")

    monkeypatch.setattr(os, "pread", fail)
    with pytest.raises(SpoolUnavailable, match=os.strerror(number)):
        await read(body)
    body.close()


async def test_a_stop_is_told_to_who_waits_for_the_disk(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, disk: Disk
) -> None:
    """Though the disk does not answer."""
    file = await spool.open()
    monkeypatch.setattr(os, "pwrite", disk)
    writing = asyncio.ensure_future(file.append(b"x"))
    await disk.begun()
    spool.give_up()
    with pytest.raises(Draining):
        await writing
    spool.give_up()
    file.close()


async def test_a_file_that_is_closed_is_not_used_any_more(single: Spool) -> None:
    """Closing it twice changes nothing."""
    file = await single.open()
    file.close()
    file.close()
    with pytest.raises(OSError, match="closed"):
        file._use(lambda: pytest.fail("used"))
    await settled(single)
    assert file._file.closed
