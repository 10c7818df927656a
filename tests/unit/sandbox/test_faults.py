"""Switches of faults."""

import asyncio
from typing import Any

import pytest

from proxy.sandbox.faults import FAULT_KINDS, Faults, FaultSwitch, read_lifetime, read_switch
from proxy.sandbox.tokens import UNLIMITED
from tests.cases import cases, grouped_cases


async def sleep(_: float) -> None:
    """For ever."""
    await asyncio.Event().wait()


@pytest.fixture
def faults() -> Faults:
    """All faults are off."""
    return Faults(sleep=sleep)


async def delayed(faults: Faults, fault: str) -> asyncio.Task[None]:
    """By this fault."""
    server = fault.partition(".")[0]
    request = asyncio.create_task(faults.delay(server))
    await faults.struck.reach(fault, 1)
    await asyncio.sleep(0)
    assert not request.done()
    return request


def test_a_fault_that_is_off_does_not_strike(faults: Faults) -> None:
    """Nor is it counted."""
    assert faults.strike("runtime.unauthorized") is None
    assert faults.struck["runtime.unauthorized"] == 0


def test_a_fault_with_a_count_is_off_afterwards(faults: Faults) -> None:
    """A count of 2 is two strikes."""
    faults.switch_on("runtime.unauthorized", count=2)
    assert [faults.strike("runtime.unauthorized") is not None for _ in range(3)] == [True, True, False]
    assert faults.struck["runtime.unauthorized"] == 2


def test_a_fault_without_a_count_strikes_until_it_is_switched_off(faults: Faults) -> None:
    """`clear` does that for all."""
    faults.switch_on("neo.expires_in", 5)
    switch = FaultSwitch(name="neo.expires_in", value=5)
    assert [faults.strike("neo.expires_in") for _ in range(3)] == [switch, switch, switch]
    faults.clear()
    assert faults.strike("neo.expires_in") is None


@cases("name", "neo.slow", "neo.hang")
async def test_switching_a_fault_off_ends_the_delay(faults: Faults, name: str) -> None:
    """Even of the last strike."""
    faults.switch_on(name, count=1)
    request = await delayed(faults, name)
    faults.switch_off(name)
    await request


def test_all_faults_are_listed(faults: Faults) -> None:
    """With state, count and meaning."""
    faults.switch_on("runtime.drop", "before", count=2)
    faults.strike("runtime.drop")
    listed = faults.as_dict()
    assert listed.keys() == FAULT_KINDS.keys()
    known = {"meaning": FAULT_KINDS["runtime.drop"].meaning, "default": "after", "heals": False}
    assert listed["runtime.drop"] == {"on": True, "value": "before", "count": 1, "struck": 1, **known}
    faults.clear()
    assert faults.as_dict()["runtime.drop"] == {"on": False, "struck": 1, **known}


@cases("name", *FAULT_KINDS)
def test_every_fault_can_be_switched_on_without_a_value(name: str) -> None:
    """By its default."""
    switch = read_switch(name, {})
    assert switch == FaultSwitch(name=name, value=FAULT_KINDS[name].default)
    if switch.value is not None:
        assert read_switch(name, {"value": switch.value}) == switch


@cases("value", 3600, 0, -1, "3600", None, "missing", 1.5)
def test_expires_in_can_be_any_scalar(value: float | str | None) -> None:
    """Clients must detect invalid ones."""
    assert read_switch("neo.expires_in", {"value": value}).value == value


@grouped_cases(
    "name, message, document",
    ("neo.nothing", "there is no fault 'neo.nothing'", [{}]),
    ("neo.hang", "unknown key 'times'", [{"times": 1}]),
    ("neo.hang", "count is 0", [{"count": 0}]),
    ("neo.hang", "count is True", [{"count": True}]),
    ("neo.hang", "count is '1'", [{"count": "1"}]),
    ("neo.hang", "has no value", [{"value": 1}]),
    ("neo.slow", "number of seconds", [{"value": each} for each in ("1", -1, True, float("inf"))]),
    ("neo.expires_in", "a number, a string or null", [{"value": []}]),
    ("neo.lifetime", "minutes:N or unlimited", [{"value": "minutes:0"}, {"value": "hours:1"}]),
    ("neo.lifetime", "could not convert", [{"value": "minutes:x"}]),
    ("neo.reply_style", "one of A, B", [{"value": "C"}]),
    ("runtime.flow_status", "status from 200 to 599", [{"value": 100}, {"value": "200"}, {"value": True}]),
    ("runtime.drop", "one of before, after", [{"value": "never"}, {"value": ["before"]}]),
)
def test_an_invalid_switch_is_refused(name: str, message: str, document: dict[str, Any]) -> None:
    """By fault and value, with what is valid."""
    with pytest.raises(ValueError, match=message):
        read_switch(name, document)


def test_an_unknown_fault_is_an_error(faults: Faults) -> None:
    """As a misspelled one."""
    for act in (faults.strike, faults.switch_off, faults.switch_on):
        with pytest.raises(ValueError, match="there is no fault"):
            act("runtime.unauthorised")


def test_lifetimes_are_in_seconds() -> None:
    """Infinite, too."""
    assert read_lifetime("minutes:1.5") == 90
    assert read_lifetime("unlimited") == UNLIMITED
