"""Postman collections as saved requests."""

import json
from pathlib import Path
from typing import Any

import pytest

from proxy.trial.collection import BodyPath, SavedRequest
from proxy.trial.postman import parse_postman
from tests.cases import cases

EXAMPLE = Path(__file__).parents[2] / "system" / "seed.postman_collection.json"
FORM = ("Content-Type", "application/x-www-form-urlencoded")


def parsed(*items: Any, **collection: Any) -> tuple[SavedRequest, ...]:
    """With these items."""
    return parse_postman(json.dumps({"info": {}, "item": items} | collection))


def parsed_one(request: Any) -> SavedRequest:
    """Of one item."""
    (found,) = parsed({"name": "a", "request": request})
    return found


def test_an_exported_collection_is_read() -> None:
    """Without its scripts."""
    first, second = parse_postman(EXAMPLE.read_text())
    base = {"base": "http://127.0.0.1:8080"}
    url = "{{base}}/http/orders"
    assert first == SavedRequest(
        name="Fetch the CSRF token", method="GET", url=url, fields=(("X-CSRF-Token", "fetch"),), variables=base
    )
    assert second == SavedRequest(
        name="Send the message",
        method="POST",
        url=url,
        fields=(("X-CSRF-Token", "{{csrf}}"), ("Content-Type", "application/json")),
        body='{"productIdentifier":"HT-1080"}',
        variables=base,
    )


def test_folders_are_in_the_names_and_have_variables_of_their_own() -> None:
    """Unless disabled."""
    inner = {
        "name": "In",
        "variable": [{"key": "a", "value": 2}, {"key": "b", "value": True}, {"key": "c", "disabled": True}],
        "item": [{"name": "Get", "request": "https://t/{{a}}"}, {"name": "empty"}],
    }
    found = parsed({"name": "Out", "item": [inner]}, {"request": "/x"}, variable=[{"id": "a", "value": "1"}])
    assert found == (
        SavedRequest(name="Out/In/Get", method="GET", url="https://t/{{a}}", variables={"a": "2", "b": "true"}),
        SavedRequest(name="unnamed", method="GET", url="/x", variables={"a": "1"}),
    )


@cases(
    "url, text",
    ("https://t/a", "https://t/a"),
    ({"raw": "https://t/:id/:idx?q=:id", "variable": [{"key": "id", "value": "1\\2"}]}, "https://t/1\\2/:idx?q=:id"),
    (
        {
            "protocol": "https",
            "host": ["t", "example"],
            "port": "8443",
            "path": ["a", "b"],
            "query": [{"key": "x", "value": "1"}, {"key": "y", "value": "2", "disabled": True}, {"key": "z"}],
        },
        "https://t.example:8443/a/b?x=1&z=",
    ),
    ({"host": ["{{base}}"], "path": "a"}, "{{base}}/a"),
    ({"host": "t"}, "http://t/"),
    (None, "http:///"),
)
def test_a_url_is_a_text_or_has_parts(url: Any, text: str) -> None:
    """`raw` is all; path variables are filled in."""
    assert parsed_one({"url": url}).url == text


@cases(
    "header, fields",
    ([{"key": "A", "value": "1"}, {"key": "B", "disabled": True}, {"key": " "}, "junk"], (("A", "1"),)),
    ("A: 1\r\nB:2\njunk", (("A", "1"), ("B", "2"))),
    (None, ()),
)
def test_fields_are_a_list_or_lines(header: Any, fields: tuple[tuple[str, str], ...]) -> None:
    """Without disabled ones."""
    assert parsed_one({"url": "/", "header": header}).fields == fields


@cases(
    "body, content, fields",
    (None, None, ()),
    ({"mode": "none"}, None, ()),
    ({"mode": "raw", "raw": "<a/>", "disabled": True}, None, ()),
    ({"mode": "raw", "raw": "<a/>\n"}, "<a/>\n", ()),
    (
        {"mode": "raw", "raw": "{}", "options": {"raw": {"language": "json"}}},
        "{}",
        (("Content-Type", "application/json"),),
    ),
    (
        {"mode": "urlencoded", "urlencoded": [{"key": "a b", "value": "{{v}}&"}, {"key": "c", "disabled": True}]},
        "a%20b={{v}}%26",
        (FORM,),
    ),
    ({"mode": "file", "file": {"src": "a.xml"}}, BodyPath("a.xml"), ()),
)
def test_a_body_is_text_a_form_or_a_file(body: Any, content: Any, fields: tuple[tuple[str, str], ...]) -> None:
    """With its media type, unless the request has one."""
    found = parsed_one({"method": "POST", "url": "/", "body": body})
    assert (found.body, found.fields) == (content, fields)
    own = [{"key": "content-type", "value": "text/own"}]
    assert parsed_one({"url": "/", "header": own, "body": body}).fields == (("content-type", "text/own"),)


@cases(
    "text, wrong",
    ("{", "is not valid JSON"),
    ("[" * 100_000, "is not valid JSON"),
    ("[]", "is not a Postman collection"),
    ('{"requests": []}', "is not a Postman collection; export it as collection v2.1"),
)
def test_another_text_is_an_error(text: str, wrong: str) -> None:
    """With what to export."""
    with pytest.raises(ValueError, match=wrong):
        parse_postman(text)


@cases("mode", "formdata", "graphql", "file")
def test_a_body_that_cannot_be_sent_is_an_error(mode: str) -> None:
    """Nothing goes without it."""
    with pytest.raises(ValueError, match=f"has a body of mode {mode} in a, which is not supported"):
        parsed_one({"url": "/", "body": {"mode": mode}})


def test_folders_have_a_largest_depth() -> None:
    """The stack suffices."""
    item: dict[str, Any] = {"name": "a", "request": "/"}
    for _ in range(30):
        item = {"name": "f", "item": [item]}
    with pytest.raises(ValueError, match="nested more than 20 deep"):
        parsed(item)


def test_a_request_that_cannot_be_read_can_be_skipped() -> None:
    """Others are read."""
    skipped = []
    bad = {"name": "bad", "request": {"method": "POST", "url": "/a", "body": {"mode": "graphql"}}}
    text = json.dumps({"item": [bad, {"name": "good", "request": "/b"}]})
    found = parse_postman(text, lambda name, reason: skipped.append((name, "graphql" in reason)))
    assert ([each.name for each in found], skipped) == (["good"], [("bad", True)])
