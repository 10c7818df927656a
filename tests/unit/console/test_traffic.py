"""The last exchanges."""

from proxy.console.traffic import KEPT, REFUSALS, Traffic
from proxy.observe.exchange_record import ExchangeRecord


def record(route: str = "orders") -> ExchangeRecord:
    """Ended."""
    made = ExchangeRecord("id", "POST", b"/a")
    if route:
        made.routed(route, "c")
    return made


def test_entries_are_numbered_and_found_by_their_ids() -> None:
    """The newest comes first."""
    traffic = Traffic(wall=lambda: 5.0)
    first, second = record(), record("")
    for each in (first, second):
        traffic.finished(each)
    assert traffic.newest() == [(2, 5.0, second), (1, 5.0, first)]
    assert traffic.newest(after=1) == [(2, 5.0, second)]
    assert traffic.newest(1) == [(2, 5.0, second)]
    entry = traffic.entry_of(first)
    assert entry is not None
    assert traffic.find(traffic.identifier(entry)) == entry
    assert (traffic.find("x"), traffic.entry_of(record())) == (None, None)


def test_both_kinds_are_bounded() -> None:
    """Refusals displace no others."""
    traffic = Traffic()
    for _ in range(KEPT + 1):
        traffic.finished(record())
    for _ in range(REFUSALS + 1):
        traffic.finished(record(""))
    assert len(traffic.newest()) == KEPT
    assert len(traffic.newest(10_000)) == KEPT + REFUSALS


def test_ids_of_another_process_are_unknown() -> None:
    """They begin differently."""
    one, other = Traffic(), Traffic()
    for each in (one, other):
        each.finished(record())
    assert other.find(one.identifier(one.newest()[0])) is None
