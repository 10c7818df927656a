"""Token URLs, upstreams, prefixes, hosts and proxies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from proxy.config.urls import (
    check_host,
    check_path,
    check_proxy_url,
    check_token_url,
    check_upstream,
    is_cleartext,
    without_grant,
)
from tests.cases import cases


@cases(
    "text, upstream",
    ("https://a.example.com/http/orders", "https://a.example.com/http/orders"),
    ("https://a.example.com/http/orders/", "https://a.example.com/http/orders"),
    ("https://a.example.com/http/orders//", "https://a.example.com/http/orders/"),
    ("https://a.example.com:8443/", "https://a.example.com:8443"),
    ("HTTPS://A.example.com/%2f", "https://A.example.com/%2f"),
    ("http://[::1]:80/x", "http://[::1]:80/x"),
    ("https://a.example.com./http/a./", "https://a.example.com/http/a."),
    ("https://a.example.com.:8443", "https://a.example.com:8443"),
    ("https://a.example.com..", "https://a.example.com"),
    ("http://127.0.0.1.:80/x", "http://127.0.0.1:80/x"),
    ("/http/orders/", "/http/orders"),
    ("/", ""),
)
def test_an_upstream_loses_one_slash_at_its_end(text: str, upstream: str) -> None:
    """Everything else stays."""
    assert check_upstream(text) == upstream


@cases(
    "text, wrong",
    ("", "is not a valid URL"),
    ("ftp://a/x", "begin with https://"),
    ("a.example.com/x", "begin with https://"),
    ("https://", "host or port cannot be read"),
    ("https://./", "host or port cannot be read"),
    ("https://.:443/", "host or port cannot be read"),
    ("https://a:b/", "host or port cannot be read"),
    ("https://a:0/", "host or port cannot be read"),
    ("https://a:99999/", "host or port cannot be read"),
    ("https://[::1/", "host or port cannot be read"),
    ("https://a,b/", "host or port cannot be read"),
    ("https://ä/", "percent-encode"),
    ("https://a/b c", "percent-encode"),
    ("https://a\\b", "percent-encode"),
    ("https://user:sesame@a/", "contains credentials"),
    ("https://a/#x", "has a fragment"),
    ("https://a/?x=1", "has a query"),
    ("/a?x=1", "is not a valid path"),
)
def test_an_upstream_that_is_none_is_refused(text: str, wrong: str) -> None:
    """Nor is it shown."""
    with pytest.raises(ValueError, match=wrong) as caught:
        check_upstream(text)
    assert "sesame" not in str(caught.value)


@cases("text, path", ("/", ""), ("/a", "/a"), ("/a/", "/a"), ("/a//", "/a/"), ("/%2F/;b", "/%2F/;b"))
def test_a_prefix_loses_one_slash_at_its_end(text: str, path: str) -> None:
    """The root is empty."""
    assert check_path(text) == path


@cases("text", "", "a", "/a b", "/a?b", "/a#b", "/ä", "/a\\b", "/a\n")
def test_a_prefix_that_is_no_path_is_refused(text: str) -> None:
    """A prefix is a path as it stands in a request."""
    with pytest.raises(ValueError, match="is not a valid path; begin with /"):
        check_path(text)


@cases("text", "/a/../b", "/.", "/%2e%2E/a")
def test_a_prefix_with_dot_segments_is_refused(text: str) -> None:
    """Requests with them are refused, too."""
    with pytest.raises(ValueError, match=r"has a \. or \.\. segment"):
        check_path(text)


@cases(
    "text, host",
    ("Proxy.Example.com:8080", "proxy.example.com"),
    ("proxy", "proxy"),
    ("Proxy.Example.com.", "proxy.example.com"),
    ("proxy.example.com.:8080", "proxy.example.com"),
    ("10.0.0.1:80", "10.0.0.1"),
    ("[::1]:80", "[::1]"),
    ("[::1]", "[::1]"),
)
def test_a_host_has_neither_case_nor_port_nor_last_dot(text: str, host: str) -> None:
    """They do not count."""
    assert check_host(text) == host


@cases("text", "", ".", ".:1", "https://a", "a/b", "a b", "::1", "a@b")
def test_a_host_that_is_none_is_refused(text: str) -> None:
    """It has no scheme or path, and IPv6 has brackets."""
    with pytest.raises(ValueError, match="is not a valid host"):
        check_host(text)


@cases("text", "direct", "http://proxy:3128", "http://u:p@proxy:3128/")
def test_a_corporate_proxy_is_a_server_or_direct(text: str) -> None:
    """With credentials where it wants them."""
    assert check_proxy_url(SecretStr(text)).get_secret_value() == text


@cases("text", "proxy:3128", "http://u:sesame@proxy/x", "none")
def test_a_corporate_proxy_that_is_none_is_refused(text: str) -> None:
    """And not shown."""
    with pytest.raises(ValueError, match=r"is not a valid URL|has a path") as caught:
        check_proxy_url(SecretStr(text))
    assert "sesame" not in str(caught.value)


@cases(
    "url, expected",
    ("http://127.0.0.1:80/x", False),
    ("http://localhost/x", False),
    ("http://[::1]/x", False),
    ("https://a/x", False),
    ("http://a/x", True),
    ("/x", False),
)
def test_only_http_beyond_this_machine_is_cleartext(url: str, expected: bool) -> None:
    """https:// is none, nor what stays here."""
    assert is_cleartext(url) is expected


def test_a_token_url_may_bring_its_grant() -> None:
    """SAP's pages give it so; the dot behind the host's name goes."""
    url = "https://a.example.com/token?grant_type=client_credentials&x=1"
    assert check_token_url(url) == url
    assert check_token_url(url.replace(".com", ".com.")) == url


@cases(
    "text, wrong",
    ("https://a/token?grant_type=password", "a grant other than"),
    ("https://a/token?grant_type=", "a grant other than"),
    ("https://a/token?client_secret=sesame", "has client_secret in its query"),
    ("https://a/token?client_id=x&client_secret=sesame", "has client_id in its query"),
    ("/token", "begin with https://"),
)
def test_a_token_url_with_another_grant_or_credentials_is_refused(text: str, wrong: str) -> None:
    """Only client credentials are done."""
    with pytest.raises(ValueError, match=wrong) as caught:
        check_token_url(text)
    assert "sesame" not in str(caught.value)


@cases(
    "url, bare, token_format",
    ("https://a/t?grant_type=client_credentials", "https://a/t", None),
    ("https://a/t?grant_type=client_credentials&token_format=jwtrfc", "https://a/t", "jwtrfc"),
    ("https://a/t?b=%20&grant%5Ftype=client_credentials&&c", "https://a/t?b=%20&c", None),
    ("https://a/t", "https://a/t", None),
)
def test_what_the_proxy_sends_itself_leaves_the_token_url(url: str, bare: str, token_format: str | None) -> None:
    """Others stay byte for byte."""
    assert without_grant(url) == (bare, token_format)


@given(st.lists(st.from_regex(r"[a-z]{1,5}=[a-z0-9%]{0,5}", fullmatch=True), max_size=5))
def test_taking_the_grant_out_leaves_other_parameters_in_order(params: list[str]) -> None:
    """Whatever stands around the grant stays, in its order."""
    query = "&".join([*params, "grant_type=client_credentials"])
    assert without_grant(f"https://a/t?{query}")[0].partition("?")[2] == "&".join(params)
