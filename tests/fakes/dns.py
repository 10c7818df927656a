"""The system's look-ups of names, some of which hang until they are let go."""

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

PATIENCE = 30.0


class Dns:
    """Every name means 127.0.0.1, but for those below `.invalid`."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._changed = threading.Condition()
        self._hanging: set[str] = set()
        self._last: dict[str, int] = {}
        self._begun: Counter[str] = Counter()

    def getaddrinfo(self, host: str, port: int | None, **_: Any) -> list[Any]:
        with self._changed:
            self.asked.append(host)
            self._begun[host] += 1
            if self._begun[host] == self._last.get(host):
                self._hanging.add(host)
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: host not in self._hanging, PATIENCE)
        if host.endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", port or 0))]

    def hang(self, *names: str) -> None:
        """Let look-ups of these names hang from now on."""
        with self._changed:
            self._hanging |= set(names)

    def hang_at(self, name: str, count: int) -> None:
        """Let the look-up of this number hang, and all after it."""
        self._last[name] = count

    def answer(self) -> None:
        """Let all go on."""
        with self._changed:
            self._hanging.clear()
            self._changed.notify_all()

    async def begun(self, name: str, count: int = 1) -> None:
        """Wait until the name has been asked for so many times."""
        assert await asyncio.to_thread(self._reached, name, count)

    def _reached(self, name: str, count: int) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._begun[name] >= count, PATIENCE)


@contextmanager
def faked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dns]:
    """While the block runs; then nothing hangs any more."""
    dns = Dns()
    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", dns.getaddrinfo)
        try:
            yield dns
        finally:
            dns.answer()
