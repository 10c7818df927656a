"""A file system that forgets what was not synced, computed from the log of tests/system/disk/shim.c.

A write counts once its file was synced after it; a name, once its folder was. Of everything else any part may be on the
disk: none, all, some writes, or the first bytes of a write. After a sync that failed, what it should have synced stays
so for ever: the kernel says that once, and then takes the pages for clean (what Linux did to PostgreSQL in 2018).
"""

import random
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

_HEAD = struct.Struct("<cI")
_PLACE = struct.Struct("<QQ")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a process did to its disk."""

    kind: str
    "W writes, T truncates, S syncs, F fails to sync, U unlinks, M makes a folder."
    path: PurePath
    at: int
    octets: bytes


def steps_of(log: bytes) -> Iterator[Step]:
    """Reads the log."""
    at = 0
    while at < len(log):
        kind, length = log[at : at + 1], int.from_bytes(log[at + 1 : at + 5], "little")
        at += 5
        path = PurePath(log[at : at + length].decode())
        at += length
        place, size = _PLACE.unpack_from(log, at)
        at += _PLACE.size
        octets = b""
        if kind == b"W":
            octets = log[at : at + size]
            at += size
        yield Step(kind.decode(), path, place, octets)


@dataclass(slots=True)
class _File:
    """The content of one file, whatever its name is."""

    steps: list[tuple[Step, bool]] = field(default_factory=list)
    "Those until the latest sync, and whether it worked."
    unsynced: list[Step] = field(default_factory=list)

    def sync(self, *, works: bool) -> None:
        """Note that a sync has ended."""
        self.steps += [(step, works) for step in self.unsynced]
        self.unsynced.clear()

    def content(self, chance: "_Chance") -> bytes:
        """What may be on the disk."""
        content = bytearray()
        for step, is_synced in [*self.steps, *((step, False) for step in self.unsynced)]:
            octets = step.octets if is_synced else chance.part_of(step.octets)
            if octets is None:
                continue
            if step.kind == "T":
                del content[step.at :]
                content += bytes(step.at - len(content))
            else:
                content += bytes(max(0, step.at - len(content)))
                content[step.at : step.at + len(octets)] = octets
        return bytes(content)


@dataclass(frozen=True, slots=True)
class _Chance:
    """Decides what of the unsynced is on the disk."""

    random: random.Random
    share: float
    "0: nothing; 1: everything."

    def is_there(self) -> bool:
        return self.random.random() < self.share

    def part_of(self, octets: bytes) -> bytes | None:
        if not self.is_there():
            return None
        if self.share < 1 and octets and self.random.random() < 0.3:
            return octets[: self.random.randrange(len(octets))]
        return octets


class Disk:
    """What is on the disk after some steps."""

    def __init__(self, root: Path) -> None:
        self._root = PurePath(root)
        self._live: dict[PurePath, _File | None] = {self._root: None}
        "None for folders."
        self._durable: dict[PurePath, _File | None] = {}
        self._unsynced: list[tuple[PurePath, _File | None, bool]] = []
        "Names that were made (true) or removed, with what they name."
        self.acks = b""

    def do(self, step: Step) -> None:
        if step.path == self._root / "acks":
            self.acks += step.octets
        elif step.kind == "M":
            self._live[step.path] = None
            self._unsynced.append((step.path, None, True))
        elif step.kind == "U":
            self._unsynced.append((step.path, self._live.pop(step.path), False))
        elif step.kind in {"S", "F"} and step.path in self._live and self._live[step.path] is None:
            if step.kind == "S":  # what is left of a failed one is synced by the next: folders are kept in a journal
                self._sync_folder(step.path)
        else:
            self._do_to_file(step)

    def image(self, folder: Path, random_: random.Random, share: float) -> None:
        """Write what may be on the disk if the power fails now."""
        chance = _Chance(random_, share)
        names = self._durable.copy()
        for path, file, is_made in self._unsynced:
            if chance.is_there():
                if is_made:
                    names[path] = file
                else:
                    names.pop(path, None)
        for path, file in sorted(names.items()):
            target = folder / path.relative_to(self._root)
            if file is None:
                target.mkdir()
            elif target.parent.is_dir():  # otherwise the folder itself is lost
                target.write_bytes(file.content(chance))

    def _do_to_file(self, step: Step) -> None:
        file = self._live.get(step.path)
        if file is None:
            file = self._live[step.path] = _File()
            self._unsynced.append((step.path, file, True))
        if step.kind in {"S", "F"}:
            file.sync(works=step.kind == "S")
        else:
            file.unsynced.append(step)

    def _sync_folder(self, folder: PurePath) -> None:
        for path, file, is_made in self._unsynced:
            if path.parent == folder and is_made:
                self._durable[path] = file
            elif path.parent == folder:
                self._durable.pop(path, None)
        self._unsynced = [each for each in self._unsynced if each[0].parent != folder]


def disk_after(steps: Sequence[Step], root: Path) -> Iterator[Disk]:
    """The disk before the first step, and after each."""
    disk = Disk(root)
    yield disk
    for step in steps:
        disk.do(step)
        yield disk
