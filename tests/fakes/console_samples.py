"""Answers of the console's API, ordinary and hostile."""

import time
from typing import Any

from proxy.sandbox.faults import FAULT_KINDS

BINARY = bytes(range(256))
"A body that is not text."
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}&amp;'\"\u202egnp.exe\x00\x1b[31m"
"Markup, and characters that mislead; nothing of it may be more than text."
HOSTILE_SHOWN = "<img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}&amp;'\"⟨U+202E⟩gnp.exe␀␛[31m"
"As a reader sees it."

MPL_ID = "AGkQhPACLBQAbeeWRkCuVJvW5Er0"
ORDER = '{"productIdentifier":"HT-1080","amount":12345678901234567890}'


def overview() -> dict[str, Any]:
    """With the sandbox's two routes."""
    now = time.time()
    return {
        "version": "1.0.0",
        "now": now,
        "started_at": now - 7200,
        "config": "config/sandbox.yaml",
        "pages": {"outbox": False, "sandbox": True},
        "routes": [route("http", "/http", "orders"), route("btp", "/btp", "invoices")],
        "recordings": [],
        "proxy_urls": ["http://127.0.0.1:8080"],
    }


def route(name: str, path: str, oauth_client: str, **changes: Any) -> dict[str, Any]:
    """A route."""
    return {
        "name": name,
        "path": path,
        "host": None,
        "methods": None,
        "upstream": f"https://127.0.0.1:9445{path}",
        "oauth_client": oauth_client,
        "csrf": "auto",
        "max_body": 100 << 20,
        "outbox": False,
        "fences": ["addresses: 127.0.0.1, ::1"],
        "connections": {"idle": 1, "leased": 0},
        **changes,
    }


def body(text: str | None, media_type: str, download: str = "") -> dict[str, Any]:
    """Kept whole."""
    size = len(BINARY) if text is None else len(text.encode())
    return {"size": size, "kept": size, "text": text, "media_type": media_type, "download": download}


def exchange(number: int, **changes: Any) -> dict[str, Any]:
    """A POST that went well."""
    return {
        "id": f"x{number}",
        "at": time.time() - 600 + number,
        "sender": "10.20.0.7",
        "method": "POST",
        "path": "/http/orders",
        "query": "",
        "route": "http",
        "oauth_client": "orders",
        "status": 200,
        "upstream_status": 200,
        "made_by": "upstream",
        "seconds": 0.0042,
        "token": "cached",
        "attempts": 1,
        "replays": [],
        "mpl_id": MPL_ID,
        "code": "",
        "bytes_in": len(ORDER),
        "bytes_out": 171,
        "recorded": False,
        "upstream": "https://127.0.0.1:9445/http/orders",
        "user": "",
        "client_certificate": "",
        "correlation_id": "191c340d-0338-4edc-81f2-49962cff2d3e",
        "detail": "",
        "diagnosis": "",
        "what_to_do": "",
        "phases": phases(0.0, 0.0, 0.004, 0.0002),
        "attempts_list": [{"number": 1, "reason": ""}],
        "request": None,
        "response": None,
        "curl": None,
        "curl_reason": "The body was not recorded.",
        "send_again": False,
        "send_again_reason": "The body was not recorded.",
        **changes,
    }


def phases(*seconds: float) -> list[dict[str, Any]]:
    """In the order of time."""
    names = ("token", "connect", "first byte", "relay")
    return [{"name": name, "seconds": each} for name, each in zip(names, seconds, strict=True)]


def recorded(number: int, text: str | None = ORDER, **changes: Any) -> dict[str, Any]:
    """With the CSRF handshake."""
    path = f"api/traffic/x{number}"
    answer = '{"Products":{"Product":{"ProductId":"HT-1080","Name":"Photo Scan","Price":"129.000"}}}'
    fields = [["Content-Type", "application/json"], ["Authorization", "***"], ["Host", "127.0.0.1:8080"]]
    return exchange(number) | {
        "recorded": True,
        "token": "granted",
        "attempts": 2,
        "replays": ["fetch_csrf"],
        "seconds": 0.0157,
        "phases": phases(0.009, 0.0021, 0.0044, 0.0001),
        "attempts_list": [{"number": 1, "reason": ""}, {"number": 2, "reason": "fetch_csrf"}],
        "request": {"fields": fields, "body": body(text, "application/json", f"{path}/request-body")},
        "response": {
            "fields": [["Content-Type", "application/json"], ["SAP_MessageProcessingLogID", MPL_ID]],
            "body": body(answer, "application/json", f"{path}/response-body"),
        },
        "curl": f"curl -i -H 'Content-Type: application/json' -d '{ORDER}' http://127.0.0.1:8080/http/orders",
        "curl_reason": "",
        "send_again": True,
        "send_again_reason": "",
        **changes,
    }


def failed(number: int, **changes: Any) -> dict[str, Any]:
    """A missing role."""
    return exchange(number) | {
        "status": 403,
        "upstream_status": 403,
        "mpl_id": "",
        "diagnosis": "role_missing",
        "what_to_do": "Assign the role ESBMessaging.send, or the role that the flow's sender adapter names.",
        **changes,
    }


def refused(number: int, **changes: Any) -> dict[str, Any]:
    """By the proxy itself."""
    return exchange(number) | {
        "status": 502,
        "upstream_status": 0,
        "made_by": "proxy",
        "code": "token_endpoint_refused",
        "detail": "The authorization server answered 401 invalid_client.",
        "what_to_do": "Check the client secret.",
        "mpl_id": "",
        "token": "",
        "attempts": 0,
        "phases": phases(0.2, 0, 0, 0),
        "seconds": 0.2003,
        "upstream": "",
        **changes,
    }


def summary(details: dict[str, Any]) -> dict[str, Any]:
    """A row of the list."""
    names = (
        "id at sender method path query route oauth_client status upstream_status made_by seconds token attempts "
        "replays mpl_id code bytes_in bytes_out recorded"
    )
    return {name: details[name] for name in names.split()}


def answer(**changes: Any) -> dict[str, Any]:
    """To a message of the Send page."""
    found = recorded(99)
    names = "id status phases seconds upstream mpl_id code detail diagnosis what_to_do made_by token replays"
    return {
        **{name: found[name] for name in names.split()},
        "fields": found["response"]["fields"],
        "body": found["response"]["body"] | {"download": ""},
        "truncated": False,
        "download": "api/answers/x99",
        **changes,
    }


def client(name: str, **changes: Any) -> dict[str, Any]:
    """With a fresh token."""
    now = time.time()
    return {
        "name": name,
        "provider": "neo",
        "token_url": "https://127.0.0.1:9443/oauth2/api/v1/token",
        "client_id": "sandbox-neo-client",
        "auth_method": "client_secret_basic",
        "state": "fresh",
        "obtained_at": now - 900,
        "fresh_until": now + 2100,
        "expires_at": now + 2700,
        "failure": None,
        "claims": {"iss": "https://127.0.0.1:9443", "scope": ["ESBMessaging.send"], "exp": int(now + 2700)},
        "certificates": [],
        **changes,
    }


def blocked(name: str, **changes: Any) -> dict[str, Any]:
    """Its last grant failed."""
    now = time.time()
    failure = {
        "at": now - 12,
        "code": "credentials_refused",
        "detail": "The token endpoint answered 401 invalid_client.",
        "what_to_do": "Check client_id and the client secret.",
        "until": now + 18,
    }
    nothing = {"obtained_at": None, "fresh_until": None, "expires_at": None, "claims": None}
    return client(name) | {"state": "blocked", "failure": failure, **nothing, **changes}


def sandbox() -> dict[str, Any]:
    """With all faults off."""
    faults = [{"name": name, "description": each.meaning, "on": False} for name, each in FAULT_KINDS.items()]
    message = {"at": time.time() - 30, "flow": "/http/orders", "status": 200, "bytes": 31, "method": "POST"}
    return {"faults": faults, "messages": [message], "url": "http://127.0.0.1:9446"}


def step(name: str, result: str, detail: str = "", advice: str = "") -> dict[str, Any]:
    """A step of a check."""
    return {"group": "orders", "name": name, "result": result, "detail": detail, "advice": advice}


def outbox_message(number: int, **changes: Any) -> dict[str, Any]:
    """A dead letter."""
    now = time.time()
    return {
        "id": f"m{number}",
        "route": "http",
        "state": "dead",
        "code": "flow_failed",
        "attempts": 2,
        "accepted_at": now - 4000,
        "next_at": None,
        "bytes": 31,
        "method": "POST",
        "target": "/orders",
        "fields": [["Content-Type", "application/json"]],
        "message_id": None,
        "history": [
            {"at": now - 3990, "status": 503, "code": None, "diagnosis": "runtime_unavailable", "mpl_id": None},
            {"at": now - 3900, "status": 500, "code": "flow_failed", "diagnosis": "flow_failed", "mpl_id": MPL_ID},
        ],
        **changes,
    }
