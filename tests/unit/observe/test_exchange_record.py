"""The account of an exchange: phases by the clock, and who made the answer."""

from collections.abc import Iterator

import pytest

from proxy.errors import RouteUnknown
from proxy.observe.exchange_record import LONGEST_USER, ExchangeRecord


def account_at(*moments: float) -> ExchangeRecord:
    """An account whose clock shows these moments, one for each look."""
    clock: Iterator[float] = iter(moments)
    return ExchangeRecord("id-1", "POST", now=lambda: next(clock))


def test_phases_are_what_lies_between_the_marks() -> None:
    """Token, connection and first byte are counted apart, the total from the very beginning."""
    record = account_at(10.0, 11.0, 13.0, 14.0, 17.0, 21.0, 26.0)
    record.begin_token()
    record.end_token()
    record.begin_connection()
    record.end_connection()
    record.answered()
    record.relayed(200)
    record.end()
    phases = (record.token_seconds, record.connect_seconds, record.first_byte_seconds, record.relay_seconds)
    assert (phases, record.total_seconds) == ((2.0, 3.0, 4.0, 5.0), 16.0)


def test_what_is_at_hand_takes_no_time() -> None:
    """Token and connection from memory: what little goes into them belongs to the first octet."""
    record = account_at(10.0, 14.0, 15.0)
    record.have_token(renewed=False)
    record.answered()
    record.end()
    phases = (record.token_seconds, record.connect_seconds, record.first_byte_seconds, record.relay_seconds)
    assert (phases, record.total_seconds) == ((0.0, 0.0, 4.0, 0.0), 5.0)


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
    record = ExchangeRecord("id-1", "POST")
    for each in attempts:
        if each != "cached":
            record.begin_token()
        record.have_token(renewed=each == "renewed")
    assert record.token == told


def test_a_token_that_was_waited_for_in_vain_is_not_told_as_granted() -> None:
    """Nothing is told where none was had; one that was had before stays."""
    record = ExchangeRecord("id-1", "POST")
    record.begin_token()
    record.end_token()
    assert record.token == ""

    record.have_token(renewed=False)
    record.begin_token()
    record.end_token()
    assert record.token == "granted"


def test_an_answer_of_ours_is_told_as_ours() -> None:
    """Status, code and sentence are those of the error."""
    record = ExchangeRecord("id-1", "POST")
    record.failed(RouteUnknown("No route."))
    assert (record.status, record.code, record.detail, record.made_by) == (
        404,
        "route_unknown",
        "No route.",
        "proxy",
    )


def test_a_sender_that_left_is_499_and_the_upstreams_status_stays_known() -> None:
    """What the upstream said is kept beside it."""
    record = ExchangeRecord("id-1", "POST")
    record.relayed(200)
    record.left()
    assert (record.status, record.upstream_status, record.made_by) == (499, 200, "sender")


def test_replays_are_kept_in_order() -> None:
    """One exchange may have several second chances."""
    record = ExchangeRecord("id-1", "POST")
    record.replayed("renew_token")
    record.replayed("fetch_csrf")
    assert record.replays == ("renew_token", "fetch_csrf")


def test_an_exchange_is_known_by_its_route() -> None:
    """And by the OAuth client that it acted as."""
    record = ExchangeRecord("id-1", "POST")
    record.routed("orders", "neo")
    assert (record.request_id, record.method, record.route, record.oauth_client) == (
        "id-1",
        "POST",
        "orders",
        "neo",
    )


def test_a_long_name_of_a_user_is_cut() -> None:
    """A line of the log has an end."""
    record = ExchangeRecord("id-1", "POST")
    record.admitted("ü" * 1000)
    assert record.user == "ü" * LONGEST_USER
