"""Checks up to a failure."""

from proxy.trial.checks import CheckFailed, CheckResult, CheckStatus, ok, run_in_order, skipped, warning


async def test_after_a_failure_the_rest_is_skipped_with_the_reason() -> None:
    """A warning is none."""
    called: list[str] = []

    async def passes() -> CheckResult:
        called.append("passes")
        return ok("yes")

    async def warns() -> CheckResult:
        called.append("warns")
        return warning("soon")

    async def fails() -> CheckResult:
        raise CheckFailed("no")

    checks = {"a": passes, "b": warns, "c": fails, "d": passes, "e": passes}
    assert [each async for each in run_in_order(checks)] == [
        ("a", ok("yes")),
        ("b", CheckResult(CheckStatus.WARNING, "soon")),
        ("c", CheckResult(CheckStatus.FAILED, "no")),
        ("d", skipped("not checked, because c failed")),
        ("e", skipped("not checked, because c failed")),
    ]
    assert called == ["passes", "warns"]
