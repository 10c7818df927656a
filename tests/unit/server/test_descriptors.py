"""As many connections as the system has descriptors for."""

import resource

import pytest

from proxy.server.descriptors import RESERVE, most_connections
from tests.cases import cases


class System:
    """Limits of a process, and what setting them does."""

    def __init__(self, soft: int, hard: int, *, most: int | None = None) -> None:
        self.soft, self.hard, self.most = soft, hard, most

    def get(self, _which: int) -> tuple[int, int]:
        """Soft and hard limit."""
        return self.soft, self.hard

    def set(self, _which: int, limits: tuple[int, int]) -> None:
        """Change the soft one, if it may be."""
        if self.most is not None and limits[0] > self.most:
            raise ValueError("beyond what the system has")
        assert limits[1] == self.hard
        self.soft = limits[0]


@cases(
    "system, wanted, spools, expected, soft",
    {
        "enough": (System(100_000, 100_000), 10_000, False, 10_000, 100_000),
        "the soft limit is raised": (System(1024, 100_000), 10_000, False, 10_000, 20_000 + RESERVE),
        "there is no hard limit": (System(1024, -1), 10_000, False, 10_000, 20_000 + RESERVE),
        "there is no limit": (System(-1, -1), 10_000, False, 10_000, -1),
        "too few": (System(256, 256), 10_000, False, 56, 256),
        "too few even so": (System(256, 1064), 10_000, False, 460, 1064),
        "the system has fewer than the limit says": (System(256, -1, most=1000), 10_000, False, 56, 256),
        "few are wanted": (System(256, 256), 50, False, 50, 256),
        "hardly any": (System(RESERVE, RESERVE), 10, False, 1, RESERVE),
        "too few for spool files": (System(256, 256), 10_000, True, 37, 256),
        "enough for spool files": (System(256, 100_000), 10_000, True, 10_000, 30_000 + RESERVE),
    },
)
def test_no_more_connections_than_descriptors(
    system: System, wanted: int, expected: int, soft: int, monkeypatch: pytest.MonkeyPatch, *, spools: bool
) -> None:
    """Each needs two, or three if it may have a spool file."""
    monkeypatch.setattr(resource, "getrlimit", system.get)
    monkeypatch.setattr(resource, "setrlimit", system.set)
    assert (most_connections(wanted, spools=spools), system.soft) == (expected, soft)
