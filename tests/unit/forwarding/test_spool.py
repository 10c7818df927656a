"""Bodies in files."""

import asyncio
import errno
import os
import stat
import tempfile
import threading
from pathlib import Path

import pytest

from proxy.errors import BodyTooLarge, RequestMalformed
from proxy.forwarding import spool as module
from proxy.forwarding.body import Body, SpooledBody, StreamedBody, collect
from proxy.forwarding.spool import AT_A_TIME, PIECE, Spool, SpoolFile
from proxy.wire.body import IncomingBody
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


async def test_a_body_above_the_buffer_goes_into_a_file_and_can_be_sent_again(spool: Spool) -> None:
    """Each read begins at the first byte."""
    body = await collect(Dripping(b"abc", b"de", b"fghi"), LIMITS, spool)
    assert isinstance(body, SpooledBody)
    assert body.length == 9
    assert body.replayable
    assert (await read(body), await read(body)) == (b"abcdefghi", b"abcdefghi")
    body.close()
    await spool.close()


async def test_an_announced_body_goes_into_a_file_too(spool: Spool) -> None:
    """Its length is known before it arrives."""
    body = await collect(arrived(b"abcdefghij", length=10), LIMITS, spool)
    assert isinstance(body, SpooledBody)
    assert await read(body) == b"abcdefghij"
    body.close()


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


async def test_a_body_announced_above_spool_is_streamed(spool: Spool) -> None:
    """No file is made."""
    assert isinstance(await collect(IncomingBody(MemoryTransport(), 11), LIMITS, spool), StreamedBody)


async def test_without_a_size_no_file_is_made(spool: Spool) -> None:
    """`spool` is 0 by default."""
    assert isinstance(await collect(arrived(b"abcde"), settings(buffer=4), spool), StreamedBody)


async def test_without_a_folder_no_file_is_made() -> None:
    """It exists if a route has `spool`."""
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
    incoming: IncomingBody, error: type[Exception], spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Descriptors are limited."""
    opened: list[SpoolFile] = []

    async def remembering() -> SpoolFile:
        opened.append(await Spool.open(spool))
        return opened[0]

    monkeypatch.setattr(spool, "open", remembering)
    with pytest.raises(error):
        await collect(incoming, LIMITS, spool)
    assert [each._file.closed for each in opened] == [True]


async def test_a_disk_without_room_makes_a_stream_of_it(
    spool: Spool, notes: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log has the reason."""
    written = os.pwrite

    def full(descriptor: int, octets: bytes, at: int) -> int:
        if at + len(octets) > 6:
            raise OSError(errno.ENOSPC, "full")
        return written(descriptor, octets, at)

    monkeypatch.setattr(os, "pwrite", full)
    body = await collect(Dripping(b"abcde", b"fgh"), LIMITS, spool)
    assert isinstance(body, StreamedBody)
    assert await read(body) == b"abcdefgh"
    body.close()
    ((event, fields),) = notes.all
    assert (event, fields["reason"]) == ("spool.failed", "No space left on device")


async def test_without_a_place_for_a_folder_a_body_is_streamed(spool: Spool, notes: Lines, folder: Path) -> None:
    """The log has the failure."""
    for ours in folder.iterdir():
        ours.rmdir()
    folder.rmdir()
    body = await collect(arrived(b"abcde"), LIMITS, spool)
    assert await read(body) == b"abcde"
    assert [event for event, _ in notes.all] == ["spool.failed"]


async def test_a_folder_that_a_cleaner_has_removed_is_made_again(spool: Spool, notes: Lines, folder: Path) -> None:
    """Bodies at the same time share the new folder."""
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
