"""Answers of a disturbed token endpoint."""

import pytest

from proxy.sandbox.endpoint import fault_answer


@pytest.mark.parametrize(
    ("name", "value", "status", "start"),
    [
        ("too_many_requests", 1, 429, b'{"error"'),
        ("unavailable", None, 503, b"Service"),
        ("html", None, 200, b"<html>"),
        ("malformed", None, 200, b'{"access_token":"'),
    ],
)
def test_a_fault_has_its_answer(name: str, value: float | None, status: int, start: bytes) -> None:
    """Two of them look like success."""
    answer = fault_answer(name, value)
    assert answer.status == status
    assert answer.body.startswith(start)


def test_too_many_requests_says_when_to_come_back() -> None:
    """In whole seconds; without a value it does not say."""
    assert ("Retry-After", "3") in fault_answer("too_many_requests", 3.7).fields
    assert "Retry-After" not in dict(fault_answer("too_many_requests", None).fields)


def test_what_is_no_answer_has_none() -> None:
    """A hanging endpoint says nothing."""
    with pytest.raises(KeyError):
        fault_answer("hang", None)
