"""The account of an exchange: phases by the clock, and who made the answer."""

from collections.abc import Iterator

import pytest

from proxy.errors import RouteUnknown
from proxy.observe.account import LONGEST_USER, Account


def account_at(*moments: float) -> Account:
    """An account whose clock shows these moments, one for each look."""
    clock: Iterator[float] = iter(moments)
    return Account("id-1", "POST", now=lambda: next(clock))


def test_phases_are_what_lies_between_the_marks() -> None:
    """Token, connection and first byte are counted apart, the total from the very beginning."""
    account = account_at(10.0, 11.0, 13.0, 14.0, 17.0, 21.0, 26.0)
    account.begin_token()
    account.end_token()
    account.begin_connection()
    account.end_connection()
    account.answered()
    account.relayed(200)
    account.end()
    phases = (account.token_seconds, account.connect_seconds, account.first_byte_seconds, account.relay_seconds)
    assert (phases, account.total_seconds) == ((2.0, 3.0, 4.0, 5.0), 16.0)


def test_what_is_at_hand_takes_no_time() -> None:
    """Token and connection from memory: what little goes into them belongs to the first octet."""
    account = account_at(10.0, 14.0, 15.0)
    account.have_token(renewed=False)
    account.answered()
    account.end()
    phases = (account.token_seconds, account.connect_seconds, account.first_byte_seconds, account.relay_seconds)
    assert (phases, account.total_seconds) == ((0.0, 0.0, 4.0, 0.0), 5.0)


@pytest.mark.parametrize(
    ("attempts", "told"),
    [
        (("cached",), "cached"),
        (("granted",), "granted"),
        (("cached", "renewed"), "renewed"),
        (("granted", "cached"), "granted"),
        (("renewed", "cached"), "renewed"),
    ],
)
def test_the_token_is_told_by_the_worst_that_was_waited_for(attempts: tuple[str, ...], told: str) -> None:
    """A second attempt that finds the token in memory does not hide that the first had to wait."""
    account = Account("id-1", "POST")
    for each in attempts:
        if each != "cached":
            account.begin_token()
        account.have_token(renewed=each == "renewed")
    assert account.token == told


def test_a_token_that_was_waited_for_in_vain_is_not_told_as_granted() -> None:
    """Nothing is told where none was had; one that was had before stays."""
    account = Account("id-1", "POST")
    account.begin_token()
    account.end_token()
    assert account.token == ""

    account.have_token(renewed=False)
    account.begin_token()
    account.end_token()
    assert account.token == "granted"


def test_an_answer_of_ours_is_told_as_ours() -> None:
    """Status, code and sentence are those of the error."""
    account = Account("id-1", "POST")
    account.failed(RouteUnknown("No route."))
    assert (account.status, account.code, account.detail, account.made_by) == (
        404,
        "route_unknown",
        "No route.",
        "proxy",
    )


def test_a_sender_that_left_is_499_and_the_upstreams_status_stays_known() -> None:
    """What the upstream said is kept beside it."""
    account = Account("id-1", "POST")
    account.relayed(200)
    account.left()
    assert (account.status, account.upstream_status, account.made_by) == (499, 200, "sender")


def test_replays_are_kept_in_order() -> None:
    """One exchange may have several second chances."""
    account = Account("id-1", "POST")
    account.replayed("renew_token")
    account.replayed("fetch_csrf")
    assert account.replays == ("renew_token", "fetch_csrf")


def test_an_exchange_is_known_by_its_route() -> None:
    """And by the OAuth client that it acted as."""
    account = Account("id-1", "POST")
    account.routed("orders", "neo")
    assert (account.request_id, account.method, account.route, account.oauth_client) == (
        "id-1",
        "POST",
        "orders",
        "neo",
    )


def test_a_long_name_of_a_user_is_cut() -> None:
    """A line of the log has an end."""
    account = Account("id-1", "POST")
    account.admitted("ü" * 1000)
    assert account.user == "ü" * LONGEST_USER
