"""Token endpoints under faults."""

import pytest

from proxy.sandbox.endpoint import fault_answer
from tests.cases import cases


@cases(
    "fault, status, start",
    ("too_many_requests", 429, b'{"error"'),
    ("unavailable", 503, b"Service"),
    ("html", 200, b"<html>"),
    ("malformed", 200, b'{"access_token":"'),
)
def test_a_fault_has_its_answer(fault: str, status: int, start: bytes) -> None:
    """Two look like success."""
    answer = fault_answer(fault, None)
    assert answer.status == status
    assert answer.body.startswith(start)
    assert "Retry-After" not in dict(answer.fields)


def test_retry_after_is_in_whole_seconds() -> None:
    """Rounded down."""
    assert ("Retry-After", "3") in fault_answer("too_many_requests", 3.7).fields


def test_a_fault_without_an_answer_is_an_error() -> None:
    """As hanging has none."""
    with pytest.raises(KeyError):
        fault_answer("hang", None)
