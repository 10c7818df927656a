"""Names, tokens, field names and values, methods, scopes, parameters, ids and secrets."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config import checked_text
from tests.cases import cases

Check = Callable[[str], str]


@cases(
    "check, text",
    (checked_text.check_name, "orders"),
    (checked_text.check_name, "A-1_b.c"),
    (checked_text.check_token, "cpi-oauth-proxy-1"),
    (checked_text.check_token, "a~!#$%&'*+^`|"),
    (checked_text.check_free_field, "X-Plant"),
    (checked_text.check_free_field, "SAP_Sender"),
    (checked_text.check_field_value, ""),
    (checked_text.check_field_value, 'a "b"\t; c'),
    (checked_text.check_method, "POST"),
    (checked_text.check_method, "MKCOL"),
    (checked_text.check_media_range, "application/vnd.sap+xml"),
    (checked_text.check_media_range, "text/*"),
    (checked_text.check_scope, "it-rt!b2.ESBMessaging.send"),
    (checked_text.check_free_param, "resource"),
    (checked_text.check_client_id, "sb-1!b2|it-rt-t!b3"),
    (checked_text.check_client_id, "Ä b:c"),
    (checked_text.check_secret, ' a:+%$=|!ü" '),
)
def test_a_word_that_fits_is_given_back(check: Check, text: str) -> None:
    """A check gives back the word as it is."""
    assert check(text) == text


@cases(
    "check, text, wrong",
    (checked_text.check_name, "", "is not a valid name"),
    (checked_text.check_name, "-a", "is not a valid name"),
    (checked_text.check_name, "a b", "is not a valid name"),
    (checked_text.check_name, "a\n", "is not a valid name"),
    (checked_text.check_token, "", "is not a valid token"),
    (checked_text.check_token, "a b", "is not a valid token"),
    (checked_text.check_token, "a\n", "is not a valid token"),
    (checked_text.check_free_field, "X:Y", "is not a valid token"),
    (checked_text.check_media_range, "text", "is not a valid media type"),
    (checked_text.check_media_range, "*/*", "is not a valid media type"),
    (checked_text.check_media_range, "text/xml; charset=utf-8", "is not a valid media type"),
    (checked_text.check_media_range, "text/*+xml", "is not a valid media type"),
    (checked_text.check_field_value, "a\r\nb", "is not a valid field value"),
    (checked_text.check_field_value, "a\x00", "is not a valid field value"),
    (checked_text.check_field_value, "a\n", "is not a valid field value"),
    (checked_text.check_field_value, " a", "is not a valid field value"),
    (checked_text.check_field_value, "ü", "is not a valid field value"),
    (checked_text.check_method, "post", "write POST, because methods are case-sensitive"),
    (checked_text.check_method, "CONNECT", "never forwards"),
    (checked_text.check_method, "TRACE", "never forwards"),
    (checked_text.check_method, "GE T", "is not a valid token"),
    (checked_text.check_scope, "a b", "is not a valid scope"),
    (checked_text.check_scope, 'a"', "is not a valid scope"),
    (checked_text.check_scope, "a\\", "is not a valid scope"),
    (checked_text.check_client_id, " a", "begins or ends with white space"),
    (checked_text.check_client_id, "a\n", "begins or ends with white space or a line end"),
    (checked_text.check_client_id, "", "is empty"),
    (checked_text.check_client_id, "a\tb", "control characters"),
    (checked_text.check_secret, "", "is empty"),
    (checked_text.check_secret, "a\n", "contains a line end"),
    (checked_text.check_secret, "a\x7f", "another control character"),
)
def test_a_word_that_does_not_fit_is_refused(check: Check, text: str, wrong: str) -> None:
    """A check says what is wrong, and what would be right."""
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
        checked_text.check_free_field(field)


@cases("param", "grant_type", "client_id", "client_secret", "scope", "token_format", "client_assertion")
def test_a_parameter_that_another_option_sets_is_refused(param: str) -> None:
    """No parameter of the token request is given in two places."""
    with pytest.raises(ValueError, match=r"is set by .*; remove it here"):
        checked_text.check_free_param(param)


def test_scopes_may_be_one_text() -> None:
    """A text with spaces is a list of scopes; a list stays one."""
    assert checked_text.split_scopes("a  b") == ["a", "b"]
    assert checked_text.split_scopes(["a b"]) == ["a b"]


@given(st.text(max_size=20), st.sampled_from("\r\n\t\0"), st.text(max_size=20))
def test_a_refused_secret_is_not_shown(start: str, control: str, end: str) -> None:
    """Whatever control character it has."""
    with pytest.raises(ValueError, match="control character") as caught:
        checked_text.check_secret(f"sesame{start}{control}{end}")
    assert "sesame" not in str(caught.value)


@given(st.text())
def test_a_field_value_that_passes_cannot_end_its_line(text: str) -> None:
    """It has no NUL and no white space around it, either."""
    try:
        value = checked_text.check_field_value(text)
    except ValueError:
        return
    assert not set(value) & set("\r\n\0")
    assert value == value.strip()
