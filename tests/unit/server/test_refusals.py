"""The log of what reached no route."""

import json
from typing import Any

import pytest

from proxy.errors import Overloaded, ProxyError, RouteUnknown
from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.process_log import ProcessLog
from proxy.observe.repeats import FIRST
from proxy.server.refusals import Refusals
from tests.fakes.log import LogLines
from tests.fakes.loop import HandLoop


@pytest.fixture
def loop() -> HandLoop:
    """Time by hand."""
    return HandLoop()


@pytest.fixture
def lines() -> LogLines:
    """What is written."""
    return LogLines()


@pytest.fixture
def refusals(lines: LogLines, loop: HandLoop) -> Refusals:
    """At the usual level."""
    return Refusals(ProcessLog(lines, level="info", human=False), loop.deadlines())


def refuse(refusals: Refusals, error: ProxyError, count: int) -> None:
    """So many times."""
    for _ in range(count):
        record = ExchangeRecord("id", "GET")
        record.failed(error)
        refusals.write(record)


def repeated(lines: LogLines) -> list[dict[str, Any]]:
    """What is told of those without a line of their own."""
    return [
        {name: line[name] for name in ("level", "status", "code", "count")}
        for line in map(json.loads, lines.text)
        if line["event"] == "refusals.repeated"
    ]


def test_few_have_their_line_each(refusals: Refusals, lines: LogLines, loop: HandLoop) -> None:
    """Nothing is added to them."""
    refuse(refusals, RouteUnknown("x"), FIRST)
    loop.advance(2)
    assert (len(lines.named("exchange.finished")), len(lines.text)) == (FIRST, FIRST)


def test_of_many_the_number_is_told_a_second_later(refusals: Refusals, lines: LogLines, loop: HandLoop) -> None:
    """By cause; then the clock stands still."""
    refuse(refusals, RouteUnknown("x"), 1000)
    refuse(refusals, Overloaded("x"), 500)
    assert len(lines.text) == 2 * FIRST
    loop.advance(1.5)
    assert repeated(lines) == [
        {"level": "warning", "status": 404, "code": "route_unknown", "count": 1000 - FIRST},
        {"level": "warning", "status": 503, "code": "overloaded", "count": 500 - FIRST},
    ]
    assert loop.pauses == []


def test_the_next_second_has_lines_of_its_own(refusals: Refusals, lines: LogLines, loop: HandLoop) -> None:
    """One line more tells the number."""
    for _ in range(3):
        refuse(refusals, RouteUnknown("x"), 1000)
        loop.advance(1.5)
    assert len(lines.named("exchange.finished")) == 3 * FIRST
    assert [each["count"] for each in repeated(lines)] == [1000 - FIRST] * 3


def test_at_the_end_nothing_is_left_untold(refusals: Refusals, lines: LogLines) -> None:
    """Stopping does not wait."""
    refuse(refusals, RouteUnknown("x"), FIRST + 1)
    refusals.deadline_reached()
    refusals.deadline_reached()
    assert [each["count"] for each in repeated(lines)] == [1]


def test_only_a_refusal_with_a_line_is_explained(refusals: Refusals, lines: LogLines) -> None:
    """It costs nothing if there is no line."""
    explained = iter(range(1000))
    refuse(refusals, RouteUnknown("x", hint=lambda: f"no. {next(explained)}"), 1000)
    assert [line["detail"] for line in lines.named("exchange.finished")] == [f"x no. {each}" for each in range(FIRST)]
    assert next(explained) == FIRST
