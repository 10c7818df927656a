"""Look-ups of names that can hang."""

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
    """Every name but those below `.invalid` means 127.0.0.1."""

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
        with self._changed:
            self._hanging |= set(names)

    def hang_at(self, name: str, count: int) -> None:
        """From the look-up of this number on."""
        self._last[name] = count

    def answer(self) -> None:
        with self._changed:
            self._hanging.clear()
            self._changed.notify_all()

    async def begun(self, name: str, count: int = 1) -> None:
        assert await asyncio.to_thread(self._reached, name, count)

    def _reached(self, name: str, count: int) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._begun[name] >= count, PATIENCE)


@contextmanager
def faked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dns]:
    """Until the block ends."""
    dns = Dns()
    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", dns.getaddrinfo)
        try:
            yield dns
        finally:
            dns.answer()
