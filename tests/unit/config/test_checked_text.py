"""Names, tokens, field names and values, methods, scopes, parameters, ids and secrets."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.checked_text import (
    check_client_id,
    check_field_value,
    check_free_field,
    check_free_param,
    check_media_range,
    check_method,
    check_name,
    check_scope,
    check_secret,
    check_token,
    split_scopes,
)
from tests.cases import cases, grouped_cases

Check = Callable[[str], str]


@grouped_cases(
    "check, text",
    (check_name, ["orders", "A-1_b.c"]),
    (check_token, ["cpi-oauth-proxy-1", "a~!#$%&'*+^`|"]),
    (check_free_field, ["X-Plant", "SAP_Sender"]),
    (check_field_value, ["", 'a "b"\t; c']),
    (check_method, ["POST", "MKCOL"]),
    (check_media_range, ["application/vnd.sap+xml", "text/*"]),
    (check_scope, ["it-rt!b2.ESBMessaging.send"]),
    (check_free_param, ["resource"]),
    (check_client_id, ["sb-1!b2|it-rt-t!b3", "Ä b:c"]),
    (check_secret, [' a:+%$=|!ü" ']),
)
def test_a_word_that_fits_is_given_back(check: Check, text: str) -> None:
    """A check gives back the word as it is."""
    assert check(text) == text


@grouped_cases(
    "check, wrong, text",
    (check_name, "is not a valid name", ["", "-a", "a b", "a\n"]),
    (check_token, "is not a valid token", ["", "a b", "a\n"]),
    (check_free_field, "is not a valid token", ["X:Y"]),
    (check_media_range, "is not a valid media type", ["text", "*/*", "text/xml; charset=utf-8", "text/*+xml"]),
    (check_field_value, "is not a valid field value", ["a\r\nb", "a\x00", "a\n", " a", "ü"]),
    (check_method, "write POST, because methods are case-sensitive", ["post"]),
    (check_method, "never forwards", ["CONNECT", "TRACE"]),
    (check_method, "is not a valid token", ["GE T"]),
    (check_scope, "is not a valid scope", ["a b", 'a"', "a\\"]),
    (check_client_id, "begins or ends with white space or a line end", [" a", "a\n"]),
    (check_client_id, "is empty", [""]),
    (check_client_id, "control characters", ["a\tb"]),
    (check_secret, "is empty", [""]),
    (check_secret, "contains a line end", ["a\n"]),
    (check_secret, "another control character", ["a\x7f"]),
)
def test_a_word_that_does_not_fit_is_refused(check: Check, wrong: str, text: str) -> None:
    """And what would be right."""
    with pytest.raises(ValueError, match=wrong):
        check(text)


@cases(
    "field",
    "Authorization",
    "authorization",
    "Proxy-Authorization",
    "Host",
    "Content-Length",
    "Content_Length",
    "Content.Length",
    "Transfer-Encoding",
    "Connection",
    "Keep-Alive",
    "TE",
    "Trailer",
    "Upgrade",
    "Expect",
    "Proxy-Connection",
)
def test_the_proxy_s_own_fields_are_not_free(field: str) -> None:
    """However they are spelled."""
    with pytest.raises(ValueError, match="the proxy itself sets or drops"):
        check_free_field(field)


@cases("param", "grant_type", "client_id", "client_secret", "scope", "token_format", "client_assertion")
def test_a_parameter_that_another_option_sets_is_refused(param: str) -> None:
    """No parameter is given twice."""
    with pytest.raises(ValueError, match=r"is set by .*; remove it here"):
        check_free_param(param)


def test_scopes_may_be_one_text() -> None:
    """A list stays one."""
    assert split_scopes("a  b") == ["a", "b"]
    assert split_scopes(["a b"]) == ["a b"]


@given(st.text(max_size=20), st.sampled_from("\r\n\t\0"), st.text(max_size=20))
def test_a_refused_secret_is_not_shown(start: str, control: str, end: str) -> None:
    """Whatever control character it has."""
    with pytest.raises(ValueError, match="control character") as caught:
        check_secret(f"sesame{start}{control}{end}")
    assert "sesame" not in str(caught.value)


@given(st.text())
def test_a_field_value_that_passes_cannot_end_its_line(text: str) -> None:
    """It has no NUL and no white space around it, either."""
    try:
        value = check_field_value(text)
    except ValueError:
        return
    assert not set(value) & set("\r\n\0")
    assert value == value.strip()
