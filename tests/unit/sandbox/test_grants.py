"""The log of token requests."""

import pytest

from proxy.config.choices import AuthMethod
from proxy.sandbox.authentication import PresentedCredentials
from proxy.sandbox.grants import GrantLog, GrantOutcome, RecordedGrant, TokenRequest

BASIC = PresentedCredentials(client_id="a", secret="geheim", method=AuthMethod.CLIENT_SECRET_BASIC)


@pytest.fixture
def log() -> GrantLog:
    """An empty log."""
    return GrantLog()


def request(credentials: PresentedCredentials | None = BASIC) -> TokenRequest:
    """A token request."""
    return TokenRequest(method="POST", path="/oauth/token", parameters={}, params_in="query", credentials=credentials)


def test_requests_are_counted_by_client_and_outcome(log: GrantLog) -> None:
    """Without credentials: the empty name."""
    log.record("neo", request(), GrantOutcome.GRANTED)
    log.record("neo", request(), GrantOutcome.GRANTED)
    log.record("neo", request(None), GrantOutcome.REFUSED)
    assert log.as_dict() == {
        "": {"granted": 0, "refused": 1, "disturbed": 0},
        "a": {"granted": 2, "refused": 0, "disturbed": 0},
    }
    assert log.count("a") == 2
    assert log.count("a", GrantOutcome.REFUSED) == log.count("b") == 0


def test_an_entry_shows_the_method_and_no_secret(log: GrantLog) -> None:
    """But all else."""
    log.record("xsuaa", request(), GrantOutcome.DISTURBED)
    expected = RecordedGrant(
        server="xsuaa",
        oauth_client="a",
        auth_method=AuthMethod.CLIENT_SECRET_BASIC,
        params_in="query",
        outcome=GrantOutcome.DISTURBED,
    )
    assert list(log) == [expected]
    assert "geheim" not in repr(expected) + repr(request())


def test_a_request_without_credentials_has_no_method(log: GrantLog) -> None:
    """And is logged."""
    log.record("neo", request(None), GrantOutcome.REFUSED)
    assert [entry.auth_method for entry in log] == [AuthMethod.NONE]


def test_a_cleared_log_is_empty(log: GrantLog) -> None:
    """Undecided ones are gone, too."""
    log.begin(request())
    assert log.requested["a"] == 1
    log.record("neo", request(), GrantOutcome.REFUSED)
    log.clear()
    assert len(log) == 0
    assert log.as_dict() == {}
    assert log.requested["a"] == 0
