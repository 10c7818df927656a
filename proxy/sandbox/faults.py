"""Faults that can be switched on by name, until they are switched off or for a number of times."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from proxy.sandbox.answers import ROUTER_ERRORS
from proxy.sandbox.recorder import EventCounter
from proxy.sandbox.tokens import UNLIMITED

Value = str | float | None
Sleep = Callable[[float], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultKind:
    """A kind of fault: its effect, the values it accepts, and its default value."""

    meaning: str
    read: Callable[[object], Value]
    default: Value = None
    heals: bool = False
    "Whether the proxy can repair it for the next attempt; if it struck that too, the repair would not be seen."


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultSwitch:
    """A fault that is on."""

    name: str
    value: Value = None
    count: int | None = None
    "Remaining number of times; None means until it is switched off."


class Faults:
    """The faults that are on, and the requests that they delay."""

    def __init__(self, *, sleep: Sleep = asyncio.sleep) -> None:
        self._sleep = sleep
        self._switches: dict[str, FaultSwitch] = {}
        self._releases: dict[str, asyncio.Event] = {}
        self.struck = EventCounter()
        "How often each fault struck; a test waits here until a request is delayed."

    def switch_on(self, name: str, value: Value = None, *, count: int | None = None) -> None:
        """Switches a fault on; ValueError describes an invalid name, value or count."""
        document = {"count": count} if value is None else {"value": value, "count": count}
        self.put(read_switch(name, document))

    def put(self, switch: FaultSwitch) -> None:
        """Switches a fault on, or replaces its value and count."""
        self._switches[switch.name] = switch

    def switch_off(self, name: str) -> None:
        """Switches a fault off and releases the requests that it delays; ValueError for an unknown name."""
        fault_kind(name)
        self._switches.pop(name, None)
        if release := self._releases.pop(name, None):
            release.set()

    def clear(self) -> None:
        """Switches all faults off."""
        for name in FAULT_KINDS:
            self.switch_off(name)

    def strike(self, name: str) -> FaultSwitch | None:
        """Returns the fault if it is on, and counts that it struck."""
        fault_kind(name)
        switch = self._switches.get(name)
        if switch is None:
            return None
        if switch.count is not None:
            self._count_down(switch, switch.count)
        self.struck.add(name)
        return switch

    async def delay(self, server: str) -> None:
        """Delays the caller by the faults `slow` and `hang` of this server; switching them off ends the delay."""
        if slow := self.strike(f"{server}.slow"):
            await self._wait(slow, self._sleep(float(slow.value or 0)))
        if hang := self.strike(f"{server}.hang"):
            await self._wait(hang, asyncio.Event().wait())

    def as_dict(self) -> dict[str, object]:
        """Returns all faults by name, with state, counts and meaning."""
        return {name: self._describe(name, known) for name, known in FAULT_KINDS.items()}

    def _count_down(self, switch: FaultSwitch, count: int) -> None:
        if count > 1:
            self._switches[switch.name] = replace(switch, count=count - 1)
        else:
            del self._switches[switch.name]

    async def _wait(self, switch: FaultSwitch, delay: Awaitable[object]) -> None:
        release = self._releases.setdefault(switch.name, asyncio.Event())
        waiting = {asyncio.ensure_future(delay), asyncio.ensure_future(release.wait())}
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()

    def _describe(self, name: str, known: FaultKind) -> dict[str, object]:
        switch = self._switches.get(name)
        state = {"on": False} if switch is None else {"on": True, "value": switch.value, "count": switch.count}
        return {
            **state,
            "struck": self.struck[name],
            "meaning": known.meaning,
            "default": known.default,
            "heals": known.heals,
        }


def fault_kind(name: str) -> FaultKind:
    """Returns the kind of fault with this name; ValueError if there is none."""
    if name not in FAULT_KINDS:
        raise ValueError(f"there is no fault {name!r}; GET /faults lists them")
    return FAULT_KINDS[name]


def read_switch(name: str, document: Mapping[str, object]) -> FaultSwitch:
    """Reads `{"value": ..., "count": ...}`, both optional; ValueError describes what is invalid."""
    known, count = fault_kind(name), document.get("count")
    if unknown := document.keys() - {"value", "count"}:
        raise ValueError(f"{name}: unknown key {min(unknown)!r}; a fault has value and count")
    if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 1):
        raise ValueError(f"{name}: count is {count!r}, it must be an integer of at least 1, or absent")
    try:
        value = known.read(document["value"]) if "value" in document else known.default
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: value is {document['value']!r}; {error}") from error
    return FaultSwitch(name=name, value=value, count=count)


def read_lifetime(value: object) -> float:
    """Returns the seconds of `minutes:N`, and infinity for `unlimited`."""
    unit, _, number = str(value).partition(":")
    if value == "unlimited":
        return UNLIMITED
    if unit != "minutes" or not 0 < float(number) < UNLIMITED:
        raise ValueError("it must be minutes:N or unlimited")
    return float(number) * 60


def _no_value(value: object) -> Value:
    del value
    raise ValueError("this fault has no value")


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
        raise ValueError("it must be a number, a string or null")
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


def _token_endpoint_kinds(server: str) -> dict[str, FaultKind]:
    kinds = {
        "too_many_requests": FaultKind(
            meaning="Grants no token: 429 Too Many Requests. The value is Retry-After in seconds.",
            read=_seconds,
            default=1,
        ),
        "unavailable": FaultKind(meaning="Grants no token: 503, as during maintenance.", read=_no_value),
        "unauthorized": FaultKind(meaning="Grants no token: 401, as if the client secret were wrong.", read=_no_value),
        "html": FaultKind(meaning="Answers with a logon page, as if the token URL were wrong.", read=_no_value),
        "malformed": FaultKind(meaning="Answers with JSON that is incomplete.", read=_no_value),
        "hang": FaultKind(meaning="Does not answer until this is switched off.", read=_no_value),
        "slow": FaultKind(meaning="Answers late. The value is the delay in seconds.", read=_seconds, default=2),
        "drop": FaultKind(meaning="Closes the connection without an answer.", read=_no_value),
        "reset": FaultKind(meaning="Resets the connection without an answer, as some firewalls do.", read=_no_value),
        "expires_in": FaultKind(
            meaning="Says how long the token is valid in another way: the value is sent as expires_in (a number, a "
            "string or null); missing leaves it out.",
            read=_scalar,
            default="missing",
        ),
        "lifetime": FaultKind(
            meaning="Grants tokens with another lifetime. The value is minutes:N or unlimited; unlimited sends "
            "expires_in 0 and, on Neo, revokes older tokens.",
            read=_lifetime,
            default="unlimited",
        ),
    }
    return {f"{server}.{name}": known for name, known in kinds.items()}


FAULT_KINDS: dict[str, FaultKind] = {
    **_token_endpoint_kinds("neo"),
    "neo.reply_style": FaultKind(
        meaning='Words its answer in another way. The value is A, as in SAP\'s blog ("scope": ""), or B, as in SAP\'s '
        'help ("expires_in": 0, "scopes": []).',
        read=_choice("A", "B"),
        default="B",
    ),
    **_token_endpoint_kinds("xsuaa"),
    "runtime.expire_tokens": FaultKind(
        meaning="Revokes all access tokens when a message arrives, so the proxy needs a new one to deliver it.",
        read=_no_value,
        heals=True,
    ),
    "runtime.unauthorized": FaultKind(
        meaning="Refuses the access token although it is valid: 401, as if it belonged to another tenant.",
        read=_no_value,
    ),
    "runtime.role_missing": FaultKind(
        meaning="Refuses the message: 403, as if the OAuth client had no permission to send (the role).",
        read=_no_value,
    ),
    "runtime.csrf_session_lost": FaultKind(
        meaning="Forgets all CSRF tokens when a message arrives, so the proxy needs a new one to deliver it.",
        read=_no_value,
        heals=True,
    ),
    "runtime.csrf_first": FaultKind(
        meaning="Checks the CSRF token before the access token. Only the order of errors changes.", read=_no_value
    ),
    "runtime.head_refused": FaultKind(
        meaning="Refuses the method HEAD: 405, as some flows do (SAP KBA 2400906).", read=_no_value
    ),
    "runtime.flow_failed": FaultKind(
        meaning="The flow runs and fails: 500, with the MPL id in the text.", read=_no_value
    ),
    "runtime.flow_status": FaultKind(
        meaning="The flow runs and answers with a status of its own, which is the value.", read=_status, default=202
    ),
    "runtime.correlation_only": FaultKind(
        meaning="The flow runs, but the answer has no MPL id, only x-correlationid.", read=_no_value
    ),
    "runtime.slow": FaultKind(meaning="Answers late. The value is the delay in seconds.", read=_seconds, default=2),
    "runtime.hang": FaultKind(meaning="Does not answer until this is switched off.", read=_no_value),
    "runtime.drop": FaultKind(
        meaning="Closes the connection without an answer, before or after it has read the body: the value says which.",
        read=_choice("before", "after"),
        default="after",
    ),
    "runtime.reset": FaultKind(
        meaning="Resets the connection without an answer, before or after it has read the body: the value says which.",
        read=_choice("before", "after"),
        default="after",
    ),
    "runtime.truncate": FaultKind(meaning="Closes the connection in the middle of the answer.", read=_no_value),
    "runtime.unavailable": FaultKind(meaning="Refuses the message: 503, as while it restarts.", read=_no_value),
    "runtime.too_large": FaultKind(
        meaning="Refuses the body as too large: 413 before it has read it. Then it closes the connection.",
        read=_no_value,
    ),
    "runtime.router_error": FaultKind(
        meaning="The router of BTP answers instead, with X-Cf-RouterError. The value is its error: "
        f"{', '.join(ROUTER_ERRORS)}.",
        read=_choice(*ROUTER_ERRORS),
        default="unknown_route",
    ),
}
