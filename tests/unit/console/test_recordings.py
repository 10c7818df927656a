"""What recordings keep, and how long."""

import pytest

from proxy.console.bodies import SHOWN
from proxy.console.recordings import FIELD, RecordedBody, Recordings, masked, weight
from proxy.observe.process_log import ProcessLog
from tests.cases import cases
from tests.fakes.log import LogLines
from tests.fakes.timers import Timers


def test_a_body_is_kept_up_to_its_limit() -> None:
    """All of it is counted."""
    body = RecordedBody()
    assert (body.add(b"a" * SHOWN), body.is_whole) == (SHOWN, True)
    assert (body.add(b"b"), body.is_whole) == (0, False)
    assert (body.size, len(body.octets)) == (SHOWN + 1, SHOWN)


def test_fields_are_masked_by_name_and_by_what_the_route_says() -> None:
    """Each costs memory beyond its text."""
    fields = masked([("A", "b"), ("Cookie", "c"), ("X-Sender", "d")], {"x-sender"})
    assert fields == (("A", "b"), ("Cookie", "***"), ("X-Sender", "***"))
    assert weight(fields[:1]) == FIELD + 2


def test_without_a_log_it_records_all_the_same() -> None:
    """And stops by its timer, once."""
    timers = Timers()
    recordings = Recordings(wall=lambda: 100.0, call_later=timers)
    recordings.start("orders", 1)
    assert recordings.documents() == [{"route": "orders", "until": 160.0}]
    timers.ring(60)
    recordings.stop("orders")
    assert (recordings.documents(), recordings.by_route, timers.seconds) == ([], {}, [])


def test_only_what_belongs_to_a_route_goes_with_its_recording() -> None:
    """The log counts these."""
    lines = LogLines()
    recordings = Recordings(call_later=Timers())
    recordings.attach(ProcessLog(lines, level="info", human=False).logger)
    for route in ("a", "b"):
        recordings.start(route, 15)
    first = recordings.by_route["a"]([(b"A", b"1")], frozenset())
    second = recordings.by_route["b"]([(b"B", b"2")], frozenset())
    recordings.stop("a")
    first.request_piece(b"late")
    first.answered(b"HTTP/1.1 200 \r\n\r\n")
    first.answer_piece(b"late")
    second.request_piece(b"body")
    assert recordings.bytes == FIELD + 2 + 4
    assert [line["exchanges"] for line in lines.named("recording.stopped")] == [1]
    recordings.close()
    assert recordings.bytes == 0


@cases("minutes", 0, 15.001, float("nan"), float("inf"))
def test_the_time_is_bounded(minutes: float) -> None:
    """Otherwise nothing is recorded."""
    recordings = Recordings(call_later=Timers())
    with pytest.raises(ValueError, match="at most 15 minutes"):
        recordings.start("a", minutes)
    assert recordings.by_route == {}
