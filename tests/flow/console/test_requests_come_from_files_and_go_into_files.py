"""`Import` reads Postman collections and .http files; `Export` writes .http files."""

import io
import json
from typing import Any

import pytest

from proxy.console import saved_requests
from proxy.trial.http_file import parse_http
from tests.cases import cases
from tests.flow.console.page import Page

POSTMAN = {
    "info": {"name": "c"},
    "variable": [{"key": "path", "value": "orders"}],
    "item": [
        {"name": "Create", "request": {"method": "POST", "url": "http://127.0.0.1:{{port}}/x", "header": []}},
        {
            "name": "New",
            "request": {
                "method": "POST",
                "url": "/{{path}}/new?a=1",
                "header": [{"key": "X-A", "value": "b"}, {"key": "Authorization", "value": "Bearer s3cr3tPostman"}],
                "body": {"mode": "raw", "raw": "<a/>", "options": {"raw": {"language": "xml"}}},
            },
        },
        {"name": "Form", "request": {"method": "POST", "url": "/orders", "body": {"mode": "formdata"}}},
        {
            "name": "File",
            "request": {"method": "POST", "url": "/orders", "body": {"mode": "file", "file": {"src": "a"}}},
        },
        {"name": "Elsewhere", "request": {"method": "GET", "url": "https://other.example/a"}},
    ],
}


async def imported(page: Page, text: str | bytes) -> tuple[int, Any]:
    """The answer to a file."""
    return await page.ask("import", "POST", data=io.BytesIO(text if isinstance(text, bytes) else text.encode()))


async def test_a_postman_collection_is_read(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be sent has a reason; the proxy's variables are not looked at."""
    monkeypatch.setenv("port", "8080")
    status, content = await imported(page, json.dumps(POSTMAN))
    assert status == 200
    assert content["requests"] == [
        {
            "name": "New",
            "route": "orders",
            "method": "POST",
            "path": "/new?a=1",
            "fields": [["X-A", "b"], ["Content-Type", "application/xml"]],
            "body": "<a/>",
        },
        {
            "name": "Elsewhere",
            "route": "",
            "method": "GET",
            "path": "https://other.example/a",
            "fields": [],
            "body": "",
        },
    ]
    assert {each["name"]: each["reason"] for each in content["skipped"]} == {
        "Form": "has a body of mode formdata in Form, which is not supported; use raw, or -d @FILE",
        "Create": "the variable port has no value",
        "File": "its body is in the file a; choose that file on the page",
    }


async def test_what_is_exported_can_be_read_again(page: Page) -> None:
    """A file with the proxy's URL."""
    requests = [
        {
            "name": "a",
            "route": "orders",
            "method": "POST",
            "path": "/new",
            "fields": [["X-A", "b"]],
            "body": "<a/>\n<b/>",
        },
        {"name": "b", "route": "orders", "method": "GET", "path": "", "fields": [], "body": ""},
    ]
    answered = await page.open("export", "POST", json={"requests": requests})
    text = await answered.text()
    assert answered.headers["Content-Type"] == "application/octet-stream"
    assert answered.headers["Content-Disposition"] == 'attachment; filename="requests.http"'
    assert [each.url for each in parse_http(text)] == [
        f"http://127.0.0.1:{page.proxy.port}/orders/new",
        f"http://127.0.0.1:{page.proxy.port}/orders",
    ]
    assert (await imported(page, text))[1] == {"requests": requests, "skipped": []}


@cases("text", "{", "{}", "x y z", b"\xff\xfe", json.dumps({"item": "x"}), '{"item":' + "[" * 100_000)
async def test_what_is_no_file_of_requests_is_refused(page: Page, text: str | bytes) -> None:
    """The sentence says why."""
    status, content = await imported(page, text)
    assert (status, content["detail"].startswith("The file ")) == (400, True)


async def test_half_a_character_is_no_text(page: Page) -> None:
    """The request is left out, with the reason."""
    item = {"name": "a\ud800", "request": {"method": "GET", "url": "http://127.0.0.1/\ud800"}}
    status, content = await imported(page, json.dumps(POSTMAN | {"item": [item]}))
    assert (status, content["requests"]) == (200, [])
    assert "half a UTF-16 character" in content["skipped"][0]["reason"]


async def test_a_file_is_bounded(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """In size, requests, and what variables make of them."""
    assert (await imported(page, b"#" * ((1 << 20) + 1)))[0] == 413
    monkeypatch.setattr(saved_requests, "MOST", 2)
    assert (await imported(page, "###\nGET /a\n" * 3))[0] == 400
    bomb = "".join(f"@v{number} = {{{{v{number + 1}}}}}{{{{v{number + 1}}}}}\n" for number in range(60))
    status, content = await imported(page, f"{bomb}@v60 = xxxxxxxx\n### a\nGET /a\n\n{{{{v0}}}}\n")
    assert (status, content["requests"]) == (200, [])
    assert "longer than" in content["skipped"][0]["reason"]


@cases(
    "content, status",
    ({}, 400),
    ({"requests": []}, 400),
    ({"requests": [1]}, 400),
    ({"requests": [{"route": "nowhere"}]}, 404),
    ({"requests": [{"name": 1}]}, 400),
    ({"requests": [{"name": "a", "body": "\ud800"}]}, 400),
    ({"requests": [{"name": "a", "route": "orders", "body": "### b\nGET /c"}]}, 400),
)
async def test_what_cannot_be_written_is_refused(page: Page, content: Any, status: int) -> None:
    """The sentence says why."""
    answered, problem = await page.ask("export", "POST", json=content)
    assert (answered, sorted(problem)) == (status, ["detail", "title"])


@cases("octets", b"", b"{", b"[]", b"[" * 100_000)
async def test_what_is_no_object_is_refused(page: Page, octets: bytes) -> None:
    """Wherever JSON is expected."""
    assert (await page.ask("export", "POST", data=octets))[0] == 400
    assert (await page.ask("recordings/orders", "PUT", data=octets))[0] == 400
