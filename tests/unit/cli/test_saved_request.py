"""A collection is read from a file, and its request joins the options of `send`."""

from pathlib import Path

import pytest

from proxy.cli.saved_request import Wanted, given, listing, read_collection, saved
from tests.cases import cases

NOTHING = Wanted("", "", [])
POSTMAN = '{"item": [{"name": "a", "request": {"method": "PUT", "url": "/a", "body": {"mode": "raw", "raw": ""}}}]}'


@cases(
    "name, text, method",
    ("a.http", "### a\nPUT /a", "PUT"),
    ("a.REST", "{{base}}/a", "GET"),
    ("a.json", POSTMAN, "PUT"),
    ("a", "\ufeff" + POSTMAN, "PUT"),
    ("a.txt", "### a\nPUT /a", "PUT"),
)
def test_the_name_or_the_content_tells_the_format(tmp_path: Path, name: str, text: str, method: str) -> None:
    """A byte order mark is ignored."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert [each.method for each in read_collection(tmp_path / name)] == [method]


@cases(
    "name, content, wrong",
    ("a.http", b"\xff", "a.http is not UTF-8."),
    ("a.http", b"# nothing", "a.http contains no request."),
    ("a.json", b"### a", "a.json is not valid JSON; export the collection again."),
)
def test_a_file_without_requests_is_an_error(tmp_path: Path, name: str, content: bytes, wrong: str) -> None:
    """The sentence begins with the file."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError) as caught:
        read_collection(tmp_path / name)
    assert str(caught.value) == f"{tmp_path}/{wrong}"


def test_options_override_the_request(tmp_path: Path) -> None:
    """URL, fields and method."""
    file = tmp_path / "a.http"
    file.write_text("### a\nPUT {{base}}/a\nX-A: 1\nX-B: 2\n\n<a/>")
    values = ["base=https://t?x=y"]
    assert saved(file, "a", values, NOTHING) == Wanted("https://t?x=y/a", "PUT", ["X-A: 1", "X-B: 2"], b"<a/>")
    options = Wanted("orders", "POST", ["x-a: 3"])
    assert saved(file, "a", values, options) == Wanted("orders", "POST", ["x-a: 3", "X-B: 2"], b"<a/>")


def test_a_body_may_be_missing_or_in_a_file_beside_the_collection(tmp_path: Path) -> None:
    """An empty text counts as none."""
    (tmp_path / "a.json").write_text(POSTMAN)
    assert saved(tmp_path / "a.json", "a", [], NOTHING).content is None
    (tmp_path / "a.http").write_text("### a\nPOST /a\n\n< b/c.xml")
    assert saved(tmp_path / "a.http", "a", [], NOTHING).content == tmp_path / "b" / "c.xml"


def test_a_request_that_cannot_be_found_is_an_error(tmp_path: Path) -> None:
    """The sentence has the file and its requests."""
    (tmp_path / "a.http").write_text("### a\nPOST /a")
    with pytest.raises(ValueError, match=r"a\.http: there is no request b; the requests are a\."):
        saved(tmp_path / "a.http", "b", [], NOTHING)


def test_requests_are_listed_without_control_characters(tmp_path: Path) -> None:
    """Names, methods and URLs are in columns; variables stay."""
    (tmp_path / "a.http").write_text("### long name\nPUT /a\n### \x1b[0m\n{{base}}/a")
    assert listing(read_collection(tmp_path / "a.http")) == "long name  PUT /a\n?[0m       GET {{base}}/a"


@cases("text", "a", "=b", "")
def test_a_variable_needs_a_name_and_an_equals_sign(text: str) -> None:
    """Its value may have more of them."""
    assert given(["a=", "b=c=d"]) == {"a": "", "b": "c=d"}
    with pytest.raises(ValueError, match="write NAME=VALUE"):
        given([text])
