"""Checks, and running them in order: the first one that fails ends the series."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from enum import StrEnum
from typing import NamedTuple


class CheckStatus(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


class CheckResult(NamedTuple):
    """How a check ended, with what was found or what to do."""

    status: CheckStatus
    detail: str


class CheckFailed(Exception):
    """Raised by a check that fails; the message says what to do."""


Checks = Mapping[str, Callable[[], Awaitable[CheckResult]]]
"By name, in the order in which they run."


def ok(detail: str) -> CheckResult:
    """The check passed."""
    return CheckResult(CheckStatus.OK, detail)


def warning(detail: str) -> CheckResult:
    """The check passed, but somebody should act."""
    return CheckResult(CheckStatus.WARNING, detail)


def skipped(detail: str) -> CheckResult:
    """The check does not apply."""
    return CheckResult(CheckStatus.SKIPPED, detail)


async def run_in_order(checks: Checks) -> AsyncIterator[tuple[str, CheckResult]]:
    """Runs the checks one after the other and yields each name with its result; skips the rest after a failure."""
    failed = ""
    for name, check in checks.items():
        if failed:
            yield name, skipped(f"not checked, because {failed} failed")
            continue
        try:
            result = await check()
        except CheckFailed as error:
            result = CheckResult(CheckStatus.FAILED, str(error))
        failed = name if result.status is CheckStatus.FAILED else ""
        yield name, result
