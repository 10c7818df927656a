"""Phases by the clock, and the answer's maker."""

from proxy.errors import RouteUnknown
from proxy.observe.exchange_record import LONGEST_TARGET, LONGEST_USER, ExchangeRecord
from tests.cases import cases


def record_at(*moments: float) -> ExchangeRecord:
    """One moment for each look."""
    return ExchangeRecord("id-1", "POST", now=iter(moments).__next__)


def seconds(record: ExchangeRecord) -> dict[str, float]:
    """All durations."""
    return {
        phase: getattr(record, f"{phase}_seconds") for phase in ("token", "connect", "first_byte", "relay", "total")
    }


def test_a_phase_lasts_from_mark_to_mark() -> None:
    """The total from the beginning."""
    record = record_at(10.0, 11.0, 13.0, 14.0, 17.0, 21.0, 26.0)
    record.begin_token()
    record.end_token()
    record.begin_connection()
    record.end_connection()
    record.answered()
    record.relayed(200)
    record.end()
    assert seconds(record) == {"token": 2.0, "connect": 3.0, "first_byte": 4.0, "relay": 5.0, "total": 16.0}


def test_a_cached_token_and_an_idle_connection_take_no_time() -> None:
    """All before the first byte."""
    record = record_at(10.0, 14.0, 15.0)
    record.have_token(renewed=False)
    record.answered()
    record.end()
    assert seconds(record) == {"token": 0.0, "connect": 0.0, "first_byte": 4.0, "relay": 0.0, "total": 5.0}


@cases(
    "attempts, told",
    ("cached", "cached"),
    ("granted", "granted"),
    ("cached renewed", "renewed"),
    ("granted cached", "granted"),
    ("renewed cached", "renewed"),
)
def test_the_slowest_source_of_a_token_is_recorded(attempts: str, told: str) -> None:
    """A second attempt's cached token hides nothing."""
    record = ExchangeRecord("id-1", "POST")
    for each in attempts.split():
        if each != "cached":
            record.begin_token()
        record.have_token(renewed=each == "renewed")
    assert record.token == told


@cases("before", "", "granted")
def test_waiting_in_vain_changes_no_token(before: str) -> None:
    """Nor erases one."""
    record = ExchangeRecord("id-1", "POST")
    record.token = before
    record.begin_token()
    record.end_token()
    assert record.token == before


def test_an_answer_of_the_proxy_has_the_errors_status_code_and_detail() -> None:
    """And the maker."""
    record = ExchangeRecord("id-1", "POST")
    record.failed(RouteUnknown("No route."))
    assert record.status == 404
    assert record.code == "route_unknown"
    assert record.detail == "No route."
    assert record.made_by == "proxy"


def test_a_sender_that_left_is_499_beside_the_upstreams_status() -> None:
    """Both are kept."""
    record = ExchangeRecord("id-1", "POST")
    record.relayed(200)
    record.left()
    assert record.status == 499
    assert record.upstream_status == 200
    assert record.made_by == "sender"


def test_replays_are_kept_in_order() -> None:
    """There may be several."""
    record = ExchangeRecord("id-1", "POST")
    record.replayed("renew_token")
    record.replayed("fetch_csrf")
    assert record.replays == ("renew_token", "fetch_csrf")


def test_a_long_user_name_is_cut() -> None:
    """In characters."""
    record = ExchangeRecord("id-1", "POST")
    record.authenticated("ü" * 1000)
    assert record.user == "ü" * LONGEST_USER


def test_the_target_is_kept_with_its_query_up_to_a_bound() -> None:
    """The path has none."""
    record = ExchangeRecord("id", "GET", b"/a?b=" + b"c" * 3000)
    assert (record.path, len(record.target), record.target[:5]) == ("/a", LONGEST_TARGET, b"/a?b=")


def test_what_only_other_observers_need_can_be_released() -> None:
    """Nobody asks later."""
    record = ExchangeRecord("id", "GET")
    record.failed(RouteUnknown("No route.", hint=lambda: "Try /a."))
    record.release()
    record.explain()
    assert record.detail == "No route."
