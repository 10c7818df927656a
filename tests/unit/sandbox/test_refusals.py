"""Answers without a flow."""

import pytest

from proxy.sandbox.admission import Check
from proxy.sandbox.csrf import Session
from proxy.sandbox.refusals import fetched, refusal


@pytest.mark.parametrize(
    ("check", "status"),
    [
        (Check.TOKEN_MISSING, 401),
        (Check.ROLE_MISSING, 403),
        (Check.CSRF_REQUIRED, 403),
        (Check.ADDRESS_UNKNOWN, 404),
        (Check.METHOD_REFUSED, 405),
        (Check.TOO_LARGE, 413),
    ],
)
def test_every_refusal_has_its_status_and_no_reason_phrase(check: Check, status: int) -> None:
    """They are all Tomcat's."""
    answer = refusal(check)
    assert (answer.status, answer.reason) == (status, "")


def test_only_the_refusal_for_csrf_says_required() -> None:
    """This tells it from a missing role."""
    saying = [check for check in Check if check not in {Check.RUN, Check.FETCH} and "Required" in str(refusal(check))]
    assert saying == [Check.CSRF_REQUIRED]


def test_the_refusal_for_csrf_sets_the_cookies_of_its_session() -> None:
    """As given."""
    assert ("Set-Cookie", "a=b") in refusal(Check.CSRF_REQUIRED, cookies=(("Set-Cookie", "a=b"),)).fields


@pytest.mark.parametrize("check", [Check.RUN, Check.FETCH])
def test_what_is_no_refusal_has_no_page(check: Check) -> None:
    """Asking for one is a mistake."""
    with pytest.raises(ValueError, match="is no refusal"):
        refusal(check)


def test_a_fetch_is_answered_with_nonce_and_cookies_and_without_a_body() -> None:
    """The flow has not run."""
    answer = fetched(Session(nonce="N", cookies=()), cookies=(("Set-Cookie", "a=b"),))
    assert (answer.status, answer.body) == (200, b"")
    assert {("X-CSRF-Token", "N"), ("Set-Cookie", "a=b"), ("Cache-Control", "private")} <= set(answer.fields)
