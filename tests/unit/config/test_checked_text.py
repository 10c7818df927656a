"""Names, tokens, field names and values, methods, scopes, parameters, ids and secrets."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config import names

Check = Callable[[str], str]


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (names.check_name, "orders"),
        (names.check_name, "A-1_b.c"),
        (names.check_token, "cpi-oauth-proxy-1"),
        (names.check_token, "a~!#$%&'*+^`|"),
        (names.check_free_field, "X-Plant"),
        (names.check_free_field, "SAP_Sender"),
        (names.check_field_value, ""),
        (names.check_field_value, 'a "b"\t; c'),
        (names.check_method, "POST"),
        (names.check_method, "MKCOL"),
        (names.check_media_range, "application/vnd.sap+xml"),
        (names.check_media_range, "text/*"),
        (names.check_scope, "it-rt!b2.ESBMessaging.send"),
        (names.check_free_param, "resource"),
        (names.check_client_id, "sb-1!b2|it-rt-t!b3"),
        (names.check_client_id, "Ä b:c"),
        (names.check_secret, ' a:+%$=|!ü" '),
    ],
)
def test_a_word_that_fits_is_given_back(check: Check, text: str) -> None:
    """A check gives back the word as it is."""
    assert check(text) == text


@pytest.mark.parametrize(
    ("check", "text", "wrong"),
    [
        (names.check_name, "", "is no name"),
        (names.check_name, "-a", "is no name"),
        (names.check_name, "a b", "is no name"),
        (names.check_name, "a\n", "is no name"),
        (names.check_token, "", "is no token"),
        (names.check_token, "a b", "is no token"),
        (names.check_token, "a\n", "is no token"),
        (names.check_free_field, "X:Y", "is no token"),
        (names.check_media_range, "text", "is no media type"),
        (names.check_media_range, "*/*", "is no media type"),
        (names.check_media_range, "text/xml; charset=utf-8", "is no media type"),
        (names.check_media_range, "text/*+xml", "is no media type"),
        (names.check_field_value, "a\r\nb", "is no field value"),
        (names.check_field_value, "a\x00", "is no field value"),
        (names.check_field_value, "a\n", "is no field value"),
        (names.check_field_value, " a", "is no field value"),
        (names.check_field_value, "ü", "is no field value"),
        (names.check_method, "post", "write POST: methods have case"),
        (names.check_method, "CONNECT", "never forwards"),
        (names.check_method, "TRACE", "never forwards"),
        (names.check_method, "GE T", "is no token"),
        (names.check_scope, "a b", "is no scope"),
        (names.check_scope, 'a"', "is no scope"),
        (names.check_scope, "a\\", "is no scope"),
        (names.check_client_id, " a", "begins or ends with white space"),
        (names.check_client_id, "a\n", "begins or ends with white space or a line end"),
        (names.check_client_id, "", "is empty"),
        (names.check_client_id, "a\tb", "control characters"),
        (names.check_secret, "", "is empty"),
        (names.check_secret, "a\n", "holds a line end"),
        (names.check_secret, "a\x7f", "another control character"),
    ],
)
def test_a_word_that_does_not_fit_is_refused(check: Check, text: str, wrong: str) -> None:
    """A check says what is wrong, and what would be right."""
    with pytest.raises(ValueError, match=wrong):
        check(text)


@pytest.mark.parametrize(
    "field",
    [
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
    ],
)
def test_the_proxy_s_own_fields_are_not_free(field: str) -> None:
    """Framing, connection and credential fields are not the operator's, however they are spelled."""
    with pytest.raises(ValueError, match="the proxy itself sets or drops"):
        names.check_free_field(field)


@pytest.mark.parametrize(
    "param", ["grant_type", "client_id", "client_secret", "scope", "token_format", "client_assertion"]
)
def test_a_parameter_that_another_option_sets_is_refused(param: str) -> None:
    """No parameter of the token request is given in two places."""
    with pytest.raises(ValueError, match=r"is set by .*, take it out here"):
        names.check_free_param(param)


def test_scopes_may_be_one_text() -> None:
    """A text with spaces is a list of scopes; a list stays one."""
    assert names.split_scopes("a  b") == ["a", "b"]
    assert names.split_scopes(["a b"]) == ["a b"]


@given(st.text(max_size=20), st.sampled_from("\r\n\t\0"), st.text(max_size=20))
def test_a_refused_secret_is_not_shown(start: str, control: str, end: str) -> None:
    """What is refused does not stand in the sentence that refuses it."""
    with pytest.raises(ValueError, match="control character") as caught:
        names.check_secret(f"sesame{start}{control}{end}")
    assert "sesame" not in str(caught.value)


@given(st.text())
def test_a_field_value_that_passes_cannot_end_its_line(text: str) -> None:
    """Whatever passes has no line end, no NUL and no white space around it."""
    try:
        value = names.check_field_value(text)
    except ValueError:
        return
    assert not set(value) & set("\r\n\0")
    assert value == value.strip()
