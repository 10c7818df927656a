"""What can be made to go wrong: switches by name, each on until switched off or for a number of times."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from proxy.sandbox.pages import ROUTER_ERRORS
from proxy.sandbox.tally import Tally
from proxy.sandbox.tokens import UNLIMITED

Value = str | float | None
Sleep = Callable[[float], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A fault that exists: what it does, which values it takes, and the one it has if none is given."""

    meaning: str
    read: Callable[[object], Value]
    default: Value = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """A fault that is on."""

    name: str
    value: Value = None
    count: int | None = None
    "How many times more; None is until it is switched off."


class Faults:
    """The switches, and who is held up by one."""

    def __init__(self, *, sleep: Sleep = asyncio.sleep) -> None:
        self._sleep = sleep
        self._switches: dict[str, Switch] = {}
        self._releases: dict[str, asyncio.Event] = {}
        self.struck = Tally()
        "How often each fault struck; wait here for the moment in which one has somebody in its hold."

    def switch_on(self, name: str, value: Value = None, *, count: int | None = None) -> None:
        """Switch a fault on; ValueError says what is wrong with name, value or count."""
        document = {"count": count} if value is None else {"value": value, "count": count}
        self.put(read_switch(name, document))

    def put(self, switch: Switch) -> None:
        """Switch a fault on, in place of what it was."""
        self._switches[switch.name] = switch

    def switch_off(self, name: str) -> None:
        """Switch a fault off, and let go whom it holds; ValueError for an unknown name."""
        kind(name)
        self._switches.pop(name, None)
        if release := self._releases.pop(name, None):
            release.set()

    def clear(self) -> None:
        """Switch everything off."""
        for name in KINDS:
            self.switch_off(name)

    def strike(self, name: str) -> Switch | None:
        """The fault if it is on; counts it as struck."""
        kind(name)
        switch = self._switches.get(name)
        if switch is None:
            return None
        if switch.count is not None:
            self._count_down(switch, switch.count)
        self.struck.add(name)
        return switch

    async def delay(self, place: str) -> None:
        """Hold the caller for as long as `slow` or `hang` of this place say; switching off ends both at once."""
        if slow := self.strike(f"{place}.slow"):
            await self._wait(slow, self._sleep(float(slow.value or 0)))
        if hang := self.strike(f"{place}.hang"):
            await self._wait(hang, asyncio.Event().wait())

    def as_dict(self) -> dict[str, object]:
        """Every fault by name: whether it is on, with what, how often it struck and what it does."""
        return {name: self._describe(name, known) for name, known in KINDS.items()}

    def _count_down(self, switch: Switch, count: int) -> None:
        if count > 1:
            self._switches[switch.name] = replace(switch, count=count - 1)
        else:
            del self._switches[switch.name]

    async def _wait(self, switch: Switch, what: Awaitable[object]) -> None:
        release = self._releases.setdefault(switch.name, asyncio.Event())
        waiting = {asyncio.ensure_future(what), asyncio.ensure_future(release.wait())}
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()

    def _describe(self, name: str, known: Kind) -> dict[str, object]:
        switch = self._switches.get(name)
        state = {"on": False} if switch is None else {"on": True, "value": switch.value, "count": switch.count}
        return {**state, "struck": self.struck[name], "meaning": known.meaning, "default": known.default}


def kind(name: str) -> Kind:
    """The fault of this name; ValueError if there is none."""
    if name not in KINDS:
        raise ValueError(f"there is no fault {name!r}; GET /faults lists them")
    return KINDS[name]


def read_switch(name: str, document: Mapping[str, object]) -> Switch:
    """A switch from `{"value": ..., "count": ...}`, both optional; ValueError says what is wrong."""
    known, count = kind(name), document.get("count")
    if unknown := document.keys() - {"value", "count"}:
        raise ValueError(f"{name}: unknown key {min(unknown)!r}; a fault takes value and count")
    if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 1):
        raise ValueError(f"{name}: count is {count!r}, it must be a number from 1, or absent")
    try:
        value = known.read(document["value"]) if "value" in document else known.default
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: value is {document['value']!r}; {error}") from error
    return Switch(name=name, value=value, count=count)


def read_lifetime(value: object) -> float:
    """Seconds from `minutes:N`, infinity from `unlimited`."""
    unit, _, number = str(value).partition(":")
    if value == "unlimited":
        return UNLIMITED
    if unit != "minutes" or not 0 < float(number) < UNLIMITED:
        raise ValueError("it must be minutes:N or unlimited")
    return float(number) * 60


def _no_value(value: object) -> Value:
    del value
    raise ValueError("this fault takes no value")


def _seconds(value: object) -> Value:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < UNLIMITED:
        raise ValueError("it must be a number of seconds")
    return value


def _status(value: object) -> Value:
    if isinstance(value, bool) or not isinstance(value, int) or not 200 <= value <= 599:
        raise ValueError("it must be a status from 200 to 599")
    return value


def _scalar(value: object) -> Value:
    if value is not None and not isinstance(value, str | int | float):
        raise ValueError("it must be a number, a string, null, or the word missing")
    return value


def _lifetime(value: object) -> Value:
    read_lifetime(value)
    return str(value)


def _choice(*choices: str) -> Callable[[object], Value]:
    def read(value: object) -> Value:
        if value not in choices:
            raise ValueError(f"it must be one of {', '.join(choices)}")
        return str(value)

    return read


def _token_endpoint_kinds(place: str) -> dict[str, Kind]:
    kinds = {
        "too_many_requests": Kind(meaning="429; value is Retry-After in seconds", read=_seconds, default=1),
        "unavailable": Kind(meaning="503", read=_no_value),
        "unauthorized": Kind(meaning="401 as for a wrong secret", read=_no_value),
        "html": Kind(meaning="200 with a logon page", read=_no_value),
        "malformed": Kind(meaning="200 with JSON that ends too soon", read=_no_value),
        "hang": Kind(meaning="no answer until switched off", read=_no_value),
        "slow": Kind(meaning="value is the seconds before the answer", read=_seconds, default=2),
        "drop": Kind(meaning="connection closed without an answer", read=_no_value),
        "reset": Kind(meaning="connection reset without an answer", read=_no_value),
        "expires_in": Kind(
            meaning="value stands in expires_in (number, string, null); the word missing leaves it out",
            read=_scalar,
            default="missing",
        ),
        "lifetime": Kind(
            meaning="value is minutes:N or unlimited; unlimited says expires_in 0 and, on Neo, voids older tokens",
            read=_lifetime,
            default="unlimited",
        ),
    }
    return {f"{place}.{name}": known for name, known in kinds.items()}


KINDS: dict[str, Kind] = {
    **_token_endpoint_kinds("neo"),
    "neo.reply_style": Kind(
        meaning='value A is the blog\'s reply with "scope": "", B the help\'s with "expires_in": 0, "scopes": []',
        read=_choice("A", "B"),
        default="B",
    ),
    **_token_endpoint_kinds("xsuaa"),
    "runtime.expire_tokens": Kind(meaning="every token out is void before this request is looked at", read=_no_value),
    "runtime.unauthorized": Kind(meaning="401 although the token is good", read=_no_value),
    "runtime.role_missing": Kind(meaning="403 without X-CSRF-Token, as if the role were missing", read=_no_value),
    "runtime.csrf_session_lost": Kind(meaning="every session is forgotten before this request", read=_no_value),
    "runtime.csrf_first": Kind(meaning="the CSRF check comes before that of the token", read=_no_value),
    "runtime.head_refused": Kind(meaning="405 for HEAD (SAP KBA 2400906)", read=_no_value),
    "runtime.flow_failed": Kind(meaning="the flow runs and fails: 500 with the MPL id in the text", read=_no_value),
    "runtime.flow_status": Kind(meaning="the flow runs and answers with this status", read=_status, default=202),
    "runtime.correlation_only": Kind(meaning="success without an MPL id, with x-correlationid alone", read=_no_value),
    "runtime.slow": Kind(meaning="value is the seconds before the answer", read=_seconds, default=2),
    "runtime.hang": Kind(meaning="no answer until switched off", read=_no_value),
    "runtime.drop": Kind(
        meaning="connection closed without an answer; value says before or after the body is read",
        read=_choice("before", "after"),
        default="after",
    ),
    "runtime.reset": Kind(
        meaning="connection reset without an answer; value says before or after the body is read",
        read=_choice("before", "after"),
        default="after",
    ),
    "runtime.truncate": Kind(meaning="the answer is cut off in the middle of its body", read=_no_value),
    "runtime.unavailable": Kind(meaning="503", read=_no_value),
    "runtime.too_large": Kind(meaning="413 before the body is read, then the connection is closed", read=_no_value),
    "runtime.router_error": Kind(
        meaning=f"gorouter's page with X-Cf-RouterError: {', '.join(ROUTER_ERRORS)}",
        read=_choice(*ROUTER_ERRORS),
        default="unknown_route",
    ),
}
