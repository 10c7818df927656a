"""Saved requests by name, with variables."""

import pytest

from proxy.trial.collection import BodyPath, SavedRequest, filled, find, resolved, sendable
from tests.cases import cases


def request(name: str = "a", **changes: object) -> SavedRequest:
    """With a variable in its URL."""
    return SavedRequest(**{"name": name, "method": "GET", "url": "{{base}}/a"} | changes)  # type: ignore[arg-type]


def test_a_name_needs_its_folders_only_if_there_are_several() -> None:
    """Whole names win."""
    top, inner, other = request("Create"), request("Orders/Create"), request("Orders/Delete")
    assert find((top, inner, other), "Create") is top
    assert find((top, inner, other), "Orders/Create") is inner
    assert find((top, inner, other), "Delete") is other


@cases(
    "name, wrong",
    ("Create", "several requests are called Create: A/Create, B/Create"),
    ("Drop", "there is no request Drop; the requests are A/Create, B/Create"),
)
def test_a_name_of_no_single_request_is_an_error(name: str, wrong: str) -> None:
    """Candidates are listed."""
    with pytest.raises(ValueError, match=wrong):
        find((request("A/Create"), request("B/Create")), name)


def test_variables_come_from_the_options_then_the_collection_then_the_environment() -> None:
    """The environment's are plain."""
    variables = {"base": "https://{{host}}", "host": "collection", "both": "collection"}
    environ = {"host": "environment", "only": "{{host}}", "both": "environment"}
    saved = request(
        method="{{ verb }}", fields=(("X-{{both}}", "{{only}}"),), body='{"a": {"b": {{both}}}}', variables=variables
    )
    found = resolved(saved, {"host": "option", "verb": "PUT"}, environ)
    assert found == request(
        method="PUT", url="https://option/a", fields=(("X-collection", "{{host}}"),), body='{"a": {"b": collection}}'
    )


def test_the_name_of_a_body_s_file_has_variables_too() -> None:
    """Its content stays as it is."""
    found = resolved(request(body=BodyPath("{{folder}}/a.xml")), {"base": "/", "folder": "messages"}, {})
    assert found.body == BodyPath("messages/a.xml")


def test_its_own_authorization_is_left_out() -> None:
    """And what the command sets."""
    names = ("Authorization", "proxy-authorization", "Content-Length", "Connection", "X-Request-ID", "SOAPAction")
    found = resolved(request(url="/a", fields=tuple((name, "x") for name in names)), {}, {})
    assert found.fields == (("SOAPAction", "x"),)


def test_the_host_is_that_of_the_url() -> None:
    """Paths have none, so it stays."""
    fields = (("Host", "other"),)
    assert resolved(request(url="https://t/a", fields=fields), {}, {}).fields == ()
    assert resolved(request(url="/a", fields=fields), {}, {}).fields == fields


@cases(
    "text, wrong",
    ("{{missing}}", "the variable missing has no value; give --var 'missing=VALUE'"),
    ("{{$guid}}", r"the variable \$guid has no value"),
    ("{{$processEnv HOME }}", r"the variable \$processEnv HOME has no value"),
    ("{{loop}}", "the variable loop contains itself"),
)
def test_a_variable_without_a_value_is_an_error(text: str, wrong: str) -> None:
    """No braces are sent by accident."""
    with pytest.raises(ValueError, match=wrong):
        filled(text, {"loop": "{{other}}", "other": "{{loop}}"}, {})


@cases("text", '{{"a": 1}}', "{{ a b", "{{}}", "{a}")
def test_other_braces_stay(text: str) -> None:
    """As in JSON."""
    assert filled(text, {}, {}) == text


@cases(
    "url, sent",
    (" https://a/b c?d=é%20&e=[1]#f ", "https://a/b%20c?d=%C3%A9%20&e=[1]"),
    ("localhost:8080/a", "http://localhost:8080/a"),
    ("/orders", "/orders"),
    ('/a"{b}', "/a%22%7Bb%7D"),
)
def test_a_url_is_encoded_where_it_needs_it(url: str, sent: str) -> None:
    """Without a fragment."""
    assert sendable(url) == sent


def test_variables_that_contain_each_other_twice_take_no_time() -> None:
    """They are bounded."""
    known = {f"v{number}": f"{{{{v{number + 1}}}}}{{{{v{number + 1}}}}}" for number in range(100)}
    assert filled("{{v0}}", known | {"v100": ""}, {}) == ""
    with pytest.raises(ValueError, match="its variables make it longer than"):
        filled("{{v0}}", known | {"v100": "x"}, {})
