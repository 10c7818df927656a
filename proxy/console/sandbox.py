"""The page Sandbox: the stand-in tenant in the same process, its faults as switches, and its messages."""

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Protocol

from aiohttp import web

from proxy.console.problems import ApiProblem, document, read_object
from proxy.observe.masking import masked_query

if TYPE_CHECKING:  # only a process with a sandbox loads it
    from proxy.sandbox.faults import Faults
    from proxy.sandbox.recorder import MessageLog, RecordedMessage

SHOWN: Final = 100
"Messages."


class ShownTenant(Protocol):
    """The parts of the stand-in tenant that the page shows or switches."""

    faults: "Faults"
    messages: "MessageLog"

    @property
    def control_url(self) -> str:
        """URL of its control address."""
        ...


class SandboxPage:
    """The resources of the sandbox."""

    def __init__(self, tenant: ShownTenant) -> None:
        self._tenant = tenant

    async def show(self, _request: web.Request) -> web.Response:
        """Answers with faults and messages."""
        return document(self.content())

    async def switch(self, request: web.Request) -> web.Response:
        """Switches faults on or off; all names are checked before the first is switched.

        A fault that the proxy repairs strikes once, so that the page shows the repair.
        """
        wanted, faults = await read_object(request), self._tenant.faults
        known: Mapping[str, Any] = faults.as_dict()
        for name, on in wanted.items():
            if name not in known:
                raise ApiProblem(404, f"There is no fault {name}.")
            if not isinstance(on, bool):
                raise ApiProblem(400, f"{name}: true switches it on, false off.")
        for name, on in wanted.items():
            if on:
                faults.switch_on(name, count=1 if known[name]["heals"] else None)
            else:
                faults.switch_off(name)
        return document(self.content())

    def content(self) -> dict[str, Any]:
        """Returns faults and messages, the newest message first."""
        tenant = self._tenant
        newest = islice(reversed(tenant.messages), SHOWN)
        return {
            "faults": [fault(name, state) for name, state in tenant.faults.as_dict().items()],
            "messages": [message(each) for each in newest],
            "total": tenant.messages.total,
            "url": tenant.control_url,
        }

    def change(self) -> object:
        """Returns a value that differs if the content has changed."""
        return self._tenant.messages.total, str(self._tenant.faults.as_dict())


def fault(name: str, state: Any) -> dict[str, Any]:
    """Returns a fault as a switch."""
    shown: Mapping[str, Any] = state
    return {
        "name": name,
        "description": shown["meaning"] + (" Strikes once." if shown["heals"] else ""),
        "on": shown["on"],
        "value": shown.get("value"),
        "struck": shown["struck"],
    }


def message(each: "RecordedMessage") -> dict[str, Any]:
    """Returns a message without its fields, which hold the token."""
    path, mark, query = each.target.partition("?")
    return {
        "at": each.at,
        "flow": path,
        "method": each.method,
        "target": path + mark + masked_query(query),
        "status": each.status,
        "bytes": each.body_size,
        "oauth_client": each.oauth_client,
        "mpl_id": each.mpl_id,
    }
