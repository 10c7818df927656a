"""An outage is told once, however many connections the store has."""

from proxy.app.outages import Outages
from tests.unit.oauth.world import Lines


def test_an_outage_and_its_end_are_told_once() -> None:
    """The end when all are there again."""
    log = Lines()
    outages = Outages(log, {"one", "other"})
    one, other = outages.of("one"), outages.of("other")
    one.info("store.reachable", listening=True)
    assert log.named("store.reachable") == []
    other.info("store.reachable", listening=True)
    assert [each["listening"] for each in log.named("store.reachable")] == [True]
    other.warning("store.unreachable", detail="b")
    one.warning("store.unreachable", detail="a")
    assert [each["detail"] for each in log.named("store.unreachable")] == ["b"]
    other.info("store.reachable", listening=True)
    assert len(log.named("store.reachable")) == 1
    one.info("store.reachable", listening=False)
    assert [each["listening"] for each in log.named("store.reachable")] == [True, False]


def test_what_is_no_outage_is_told_as_it_is() -> None:
    """However often, and it ends nothing."""
    log = Lines()
    only = Outages(log, {"only"}).of("only")
    for _ in range(2):
        only.warning("store.busy", detail="a")
    assert [each["detail"] for each in log.named("store.busy")] == ["a", "a"]
    only.info("store.reachable", listening=True)
    assert len(log.named("store.reachable")) == 1
