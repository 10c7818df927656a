"""Switching faults on and off."""

import asyncio

import pytest

from proxy.sandbox.faults import KINDS, Faults, Switch, read_lifetime, read_switch
from proxy.sandbox.tokens import UNLIMITED


class Sleeper:
    """A sleep that lasts until it is told to end."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.end = asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        """Wait, and remember for how long it should have been."""
        self.asked.append(seconds)
        await self.end.wait()


def test_a_fault_that_is_off_does_not_strike() -> None:
    """Neither is it counted."""
    faults = Faults()
    assert faults.strike("runtime.unauthorized") is None
    assert faults.struck["runtime.unauthorized"] == 0


def test_a_fault_with_a_count_strikes_so_many_times() -> None:
    """Then it is off."""
    faults = Faults()
    faults.switch_on("runtime.unauthorized", count=2)
    assert [faults.strike("runtime.unauthorized") is not None for _ in range(3)] == [True, True, False]
    assert faults.struck["runtime.unauthorized"] == 2


def test_a_fault_without_a_count_strikes_until_it_is_switched_off() -> None:
    """Clearing switches all off."""
    faults = Faults()
    faults.switch_on("neo.expires_in", 5)
    assert faults.strike("neo.expires_in") == faults.strike("neo.expires_in") == Switch(name="neo.expires_in", value=5)
    faults.clear()
    assert faults.strike("neo.expires_in") is None


async def test_slow_holds_for_as_long_as_its_value_says() -> None:
    """The sleep is the one that was passed in."""
    sleeper = Sleeper()
    faults = Faults(sleep=sleeper)
    faults.switch_on("runtime.slow", 7, count=1)
    held = asyncio.create_task(faults.delay("runtime"))
    await faults.struck.reach("runtime.slow", 1)
    await asyncio.sleep(0)
    assert not held.done()
    sleeper.end.set()
    await held
    assert sleeper.asked == [7]


@pytest.mark.parametrize("name", ["neo.slow", "neo.hang"])
async def test_switching_off_lets_go_whom_it_holds(name: str) -> None:
    """Even if its count has run out."""
    faults = Faults(sleep=Sleeper())
    faults.switch_on(name, count=1)
    held = asyncio.create_task(faults.delay("neo"))
    await faults.struck.reach(name, 1)
    await asyncio.sleep(0)
    assert not held.done()
    faults.switch_off(name)
    await held


def test_the_list_shows_every_fault_with_what_it_does() -> None:
    """On or off, and how often it struck."""
    faults = Faults()
    faults.switch_on("runtime.drop", "before", count=2)
    faults.strike("runtime.drop")
    listed = faults.as_dict()
    assert listed.keys() == KINDS.keys()
    drop, reset = ({"meaning": KINDS[name].meaning, "default": "after"} for name in ("runtime.drop", "runtime.reset"))
    assert listed["runtime.drop"] == {"on": True, "value": "before", "count": 1, "struck": 1, **drop}
    assert listed["runtime.reset"] == {"on": False, "struck": 0, **reset}


@pytest.mark.parametrize("name", KINDS)
def test_every_fault_can_be_switched_on_without_a_value(name: str) -> None:
    """It has its default, and the default is one that it would take."""
    switch = read_switch(name, {})
    assert switch == Switch(name=name, value=KINDS[name].default)
    if switch.value is not None:
        assert read_switch(name, {"value": switch.value}) == switch


@pytest.mark.parametrize("value", [3600, 0, -1, "3600", None, "missing", 1.5])
def test_expires_in_takes_any_plain_value(value: float | str | None) -> None:
    """What is wrong with it is the proxy's to find out."""
    assert read_switch("neo.expires_in", {"value": value}).value == value


@pytest.mark.parametrize(
    ("name", "document", "message"),
    [
        ("neo.nothing", {}, "there is no fault 'neo.nothing'"),
        ("neo.hang", {"times": 1}, "unknown key 'times'"),
        ("neo.hang", {"count": 0}, "count is 0"),
        ("neo.hang", {"count": True}, "count is True"),
        ("neo.hang", {"count": "1"}, "count is '1'"),
        ("neo.hang", {"value": 1}, "takes no value"),
        ("neo.slow", {"value": "1"}, "number of seconds"),
        ("neo.slow", {"value": -1}, "number of seconds"),
        ("neo.slow", {"value": True}, "number of seconds"),
        ("neo.slow", {"value": float("inf")}, "number of seconds"),
        ("neo.expires_in", {"value": []}, "a number, a string, null"),
        ("neo.lifetime", {"value": "minutes:0"}, "minutes:N or unlimited"),
        ("neo.lifetime", {"value": "hours:1"}, "minutes:N or unlimited"),
        ("neo.lifetime", {"value": "minutes:x"}, "could not convert"),
        ("neo.reply_style", {"value": "C"}, "one of A, B"),
        ("runtime.flow_status", {"value": 100}, "status from 200 to 599"),
        ("runtime.flow_status", {"value": "200"}, "status from 200 to 599"),
        ("runtime.flow_status", {"value": True}, "status from 200 to 599"),
        ("runtime.drop", {"value": "never"}, "one of before, after"),
        ("runtime.drop", {"value": ["before"]}, "one of before, after"),
    ],
)
def test_a_wrong_switch_is_refused_with_what_would_be_right(
    name: str, document: dict[str, object], message: str
) -> None:
    """The sentence names fault and value."""
    with pytest.raises(ValueError, match=message):
        read_switch(name, document)


def test_an_unknown_fault_can_neither_strike_nor_be_switched_off() -> None:
    """A slip in a name does not go unnoticed."""
    faults = Faults()
    for act in (faults.strike, faults.switch_off, faults.switch_on):
        with pytest.raises(ValueError, match="there is no fault"):
            act("runtime.unauthorised")


def test_lifetimes_are_read() -> None:
    """In seconds."""
    assert (read_lifetime("minutes:1.5"), read_lifetime("unlimited")) == (90, UNLIMITED)
