"""What Traffic shows."""

from proxy.console.recordings import Recordings
from proxy.console.summaries import details, findings, is_target_whole, meaning, phases, recording_of, summary
from proxy.errors import SenderLeft, UpstreamClosed
from proxy.observe.exchange_record import LONGEST_TARGET, ExchangeRecord
from tests.cases import cases


class Now:
    """Each look takes a second."""

    def __init__(self) -> None:
        self._now = 0.0

    def __call__(self) -> float:
        self._now += 1
        return self._now


def ended(target: bytes = b"/orders", now: Now | None = None) -> ExchangeRecord:
    """It went well."""
    record = ExchangeRecord("id-1", "POST", target, now or Now())
    record.routed("orders", "orders")
    record.relayed(200)
    record.end()
    return record


def test_an_exchange_began_before_it_ended() -> None:
    """`at` is the beginning."""
    assert summary("x", 1000.0, ended())["at"] == 999.0


@cases(
    "target, query, whole",
    (b"/a", "", True),
    (b"/a?b=c", "b=c", True),
    (b"/a?b=c&password=d", "b=c&password=***", False),
    (b"/a?b=?c", "b=?c", True),
    (b"/" + b"a" * LONGEST_TARGET, "", False),
)
def test_a_query_is_masked(target: bytes, query: str, *, whole: bool) -> None:
    """It cannot be sent again then."""
    record = ended(target)
    assert (summary("x", 0, record)["query"], is_target_whole(record)) == (query, whole)


def test_the_meaning_of_a_success_is_nothing() -> None:
    """Nor is there anything to do."""
    assert meaning(ended()) == ("", "")


def test_the_meaning_of_a_failure_has_a_headline_and_says_what_to_do() -> None:
    """By diagnosis, own error, or who left."""
    tenant, own, left, cut = ended(), ended(), ended(), ended()
    tenant.diagnosis = "no_flow: Deploy it."
    own.failed(UpstreamClosed("It closed."))
    left.left()
    cut.code, cut.detail = "unheard_of", "It was cut."
    assert meaning(tenant) == ("no flow", "Deploy it.")
    assert meaning(own) == ("The upstream closed the connection", "It closed.")
    assert meaning(left)[0] == "The sender left"
    assert meaning(cut) == ("The answer was cut", "It was cut.")
    assert SenderLeft.__name__ == "SenderLeft"


def test_phases_add_up_to_the_whole() -> None:
    """Unaccounted time is `waiting`."""
    record = ended()
    record.token_seconds, record.total_seconds, record.relay_seconds = 1.0, 5.0, 0.5
    assert phases(record) == [
        {"name": "token", "seconds": 1.0},
        {"name": "connect", "seconds": 0.0},
        {"name": "first byte", "seconds": 0.0},
        {"name": "relay", "seconds": 0.5},
        {"name": "waiting", "seconds": 3.5},
    ]


def test_attempts_are_numbered_with_their_reasons() -> None:
    """There may be none."""
    record = ended()
    assert findings(record)["attempts_list"] == []
    record.attempts, record.replays = 2, ("renew_token", "other")
    found = findings(record)["attempts_list"]
    assert [(each["number"], each["reason"]) for each in found] == [(1, ""), (2, "renew_token"), (3, "other")]
    assert found[1]["text"].startswith("The tenant refused the token")


def test_what_was_kept_is_shown() -> None:
    """Unless it was dropped."""
    recordings, record = Recordings(call_later=lambda _seconds, _call: Never()), ended()
    recordings.start("orders", 1)
    recording = record.recording = recordings.by_route["orders"]([(b"Host", b"a")], frozenset())
    found = details("x", 0, record)
    assert (found["request"]["fields"], found["request"]["body"]["download"]) == ([["Host", "a"]], None)
    assert found["response"] is None
    recording.answered(b"HTTP/1.1 200 \r\nA: b\r\n\r\n")
    recording.answer_piece(b"done")
    found = details("x", 0, record)["response"]
    assert (found["fields"], found["body"]["download"]) == ([["A", "b"]], "api/traffic/x/response-body")
    recordings.stop("orders")
    assert recording_of(record) is None


class Never:
    """It never rings."""

    def cancel(self) -> None:
        """Nothing to do."""
