"""The service bindings of an application on Cloud Foundry: `VCAP_SERVICES` (Cloud Foundry, "Environment Variables").

A JSON object with a list of bindings for each service, by the service's label; the credentials of a binding are a
service key.
"""

import json
from typing import Any

_RUNTIME = "it-rt"
"The label of Process Integration Runtime."
_LABELS = (_RUNTIME, "xsuaa")


def lists_bindings(document: Any) -> bool:
    """Whether the JSON document has the shape of VCAP_SERVICES."""
    lists = list(document.values()) if isinstance(document, dict) else []
    return bool(lists) and all(
        isinstance(each, list) and all(isinstance(binding, dict) for binding in each) for each in lists
    )


def has_runtime(text: str) -> bool:
    """Whether the text is the content of VCAP_SERVICES, and Process Integration Runtime is among the services."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return lists_bindings(document) and bool(_bindings(document, _RUNTIME))


def bound_key(document: dict[str, Any]) -> dict[str, Any]:
    """Returns the service key of Process Integration Runtime, else of XSUAA; ValueError if there is none, or several.

    Of several bindings the one with `oauth` in it is used; the error names the others and shows nothing of them.
    """
    bindings = next(filter(None, (_bindings(document, label) for label in _LABELS)), [])
    fit = [each for each in bindings if "oauth" in each["credentials"]] if len(bindings) > 1 else bindings
    if len(fit) == 1:
        key: dict[str, Any] = fit[0]["credentials"]
        return key
    if not bindings:
        raise ValueError("has no binding of it-rt (Process Integration Runtime) or xsuaa; bind the application to one")
    names = ", ".join(str(each.get("name", "one without name")) for each in fit or bindings)
    raise ValueError(f"has several possible bindings ({names}); use the service key of one of them")


def _bindings(document: dict[str, Any], label: str) -> list[dict[str, Any]]:
    return [each for each in document.get(label, ()) if isinstance(each.get("credentials"), dict)]
