"""The operators' page names all that a running proxy tells, and no more."""

import json
import re

from proxy.config.model import LogLevel
from proxy.forwarding.verdict import Verdict
from proxy.observe.log_format import json_line
from tests.docs.measures import LEVELS, events, full_account, metrics
from tests.docs.pages import ROOT, prose, read, table, words

PAGE = ROOT / "docs" / "operations.md"
UNCOUNTED = {Verdict.RELAY, Verdict.FAIL, Verdict.FETCH_CSRF_FOR_NEXT}
"Verdicts after which nothing is sent again."


def test_each_event_of_the_source_is_described_and_no_other() -> None:
    """By level and fields."""
    told = {
        (words(name)[0], level, frozenset(words(fields))) for name, level, fields, _ in table(PAGE, "Events") if level
    }
    emitted = {(event.name, event.level, event.fields) for event in events()}
    assert emitted == told


def test_what_is_written_without_structlog_is_described() -> None:
    """Lines made by hand."""
    sources = "".join(path.read_text() for path in (ROOT / "proxy" / "observe").glob("*.py"))
    assert set(re.findall(r'"event": ?"(\w+\.\w+)"', sources)) == {"exchange.finished", "log.dropped"}
    assert {"exchange.finished", "log.dropped"} <= set(words(prose(PAGE)))


def test_each_field_of_an_exchange_s_line_is_described_in_its_place() -> None:
    """With a mark if only some lines have it."""
    rows = table(PAGE, "Fields of exchange.finished")
    line = json.loads(json_line(full_account(), "error"))
    assert [words(name)[0] for name, _ in rows] == list(line)
    bare = full_account()
    for name in (
        "upstream",
        "user",
        "mpl_id",
        "correlation_id",
        "message_id",
        "client_certificate",
        "code",
        "diagnosis",
    ):
        setattr(bare, name, "")
    bare.replays, bare.upstream_status = (), 0
    always = set(json.loads(json_line(bare, "info")))
    assert {words(name)[0] for name, meaning in rows if not meaning.startswith("*if any*")} == always


def test_each_label_is_explained() -> None:
    """But the OAuth client's name."""
    labels = {label for _, _, names, _ in metrics() for label in names}
    assert {words(name)[0] for name, _ in table(PAGE, "Values of labels")} == labels - {"oauth_client"}


def test_the_reasons_of_replays_are_the_verdicts_that_replay() -> None:
    """For each second attempt."""
    told = dict(table(PAGE, "Values of labels"))["`reason`"]
    assert set(words(told)) == {each.value for each in set(Verdict) - UNCOUNTED}


def test_metrics_that_are_queried_exist() -> None:
    """With their labels."""
    known = {name: set(labels) for name, _, labels, _ in metrics()}
    for name, labels in re.findall(r"(cpi_proxy_\w+)(?:\{([^}]*)\})?", read(PAGE)):
        assert set(re.findall(r"(\w+)[!=]", labels)) <= known[name]


def test_the_levels_are_those_of_the_log() -> None:
    """In source, configuration and page."""
    assert {each.value for each in LogLevel} == set(LEVELS)
    assert {level for _, level, _, _ in table(PAGE, "Events")} == set(LEVELS)
