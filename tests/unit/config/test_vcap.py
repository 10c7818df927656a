"""The bindings of an application on Cloud Foundry."""

import json
from typing import Any

import pytest

from proxy.config.vcap import bound_key, has_runtime, lists_bindings
from tests.cases import cases

OAUTH = {"oauth": {"clientid": "a"}}
FLAT = {"clientid": "b", "clientsecret": "sesame"}


def bound(name: str, key: Any) -> dict[str, Any]:
    """A binding, with something of what Cloud Foundry says besides."""
    return {"name": name, "plan": "integration-flow", "credentials": key}


@cases(
    "document, key",
    ({"it-rt": [bound("cpi", OAUTH)], "xsuaa": [bound("login", FLAT)]}, OAUTH),
    ({"it-rt": [bound("cpi", FLAT)]}, FLAT),
    ({"it-rt": [bound("other", FLAT), bound("cpi", OAUTH)]}, OAUTH),
    ({"it-rt": [], "xsuaa": [bound("login", FLAT)], "logs": [{"name": "logs"}]}, FLAT),
    ({"it-rt": [{"name": "broken"}, bound("cpi", OAUTH)]}, OAUTH),
)
def test_the_runtime_s_key_comes_before_that_of_xsuaa(document: dict[str, Any], key: dict[str, Any]) -> None:
    """Of several of one service, the one that has `oauth` in it."""
    assert lists_bindings(document)
    assert bound_key(document) == key


@cases(
    "document, wrong",
    ({"logs": [bound("logs", FLAT)]}, r"has no binding of it-rt \(Process Integration Runtime\) or xsuaa"),
    ({"it-rt": [bound("one", None)]}, "has no binding of it-rt"),
    ({"it-rt": [bound("one", OAUTH), bound("two", OAUTH), bound("three", FLAT)]}, r"\(one, two\)"),
    ({"it-rt": [bound("one", FLAT), {"credentials": FLAT}]}, r"\(one, one without name\)"),
    ({"xsuaa": [bound("one", FLAT), bound("two", FLAT)]}, r"has several .* \(one, two\); use the service key"),
)
def test_none_and_several_are_refused_and_not_shown(document: dict[str, Any], wrong: str) -> None:
    """The sentence names the bindings and nothing of their keys."""
    with pytest.raises(ValueError, match=wrong) as caught:
        bound_key(document)
    assert "sesame" not in str(caught.value)


@cases("document", {}, [], None, {"oauth": FLAT}, {"clientid": ["a"]}, {"it-rt": [], "x": "y"})
def test_other_documents_list_no_bindings(document: Any) -> None:
    """Nor is a service key taken for them."""
    assert not lists_bindings(document)


@cases(
    "text, expected",
    (json.dumps({"it-rt": [bound("cpi", OAUTH)]}), True),
    (json.dumps({"it-rt": [bound("one", OAUTH), bound("two", OAUTH)]}), True),
    (json.dumps({"xsuaa": [bound("login", FLAT)]}), False),
    (json.dumps({"it-rt": [{"name": "broken"}]}), False),
    (json.dumps(OAUTH), False),
    ("{}", False),
    ("{", False),
    ("[" * 99999, False),
)
def test_an_application_is_bound_to_the_runtime_or_not(text: str, expected: bool) -> None:
    """Many have XSUAA alone, for logons of their own."""
    assert has_runtime(text) is expected
