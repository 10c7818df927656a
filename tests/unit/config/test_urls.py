"""Token URLs, upstreams, prefixes, hosts and proxies."""

from collections.abc import Callable

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
from tests.cases import cases, grouped_cases


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


def proxy_url(text: str) -> object:
    """Check the URL of a corporate proxy."""
    return check_proxy_url(SecretStr(text))


UNREADABLE = ["https://", "https://./", "https://.:443/", "https://a:b/", "https://a:0/", "https://a:99999/"]


@grouped_cases(
    "check, wrong, text",
    (check_upstream, "is not a valid URL", [""]),
    (check_upstream, "begin with https://", ["ftp://a/x", "a.example.com/x"]),
    (check_upstream, "host or port cannot be read", [*UNREADABLE, "https://[::1/", "https://a,b/"]),
    (check_upstream, "percent-encode", ["https://ä/", "https://a/b c", "https://a\\b"]),
    (check_upstream, "contains credentials", ["https://user:sesame@a/"]),
    (check_upstream, "has a fragment", ["https://a/#x"]),
    (check_upstream, "has a query", ["https://a/?x=1"]),
    (check_upstream, "is not a valid path", ["/a?x=1"]),
    (check_path, "path; begin with /", ["", "a", "/a b", "/a?b", "/a#b", "/ä", "/a\\b", "/a\n"]),
    (check_path, r"has a \. or \.\. segment", ["/a/../b", "/.", "/%2e%2E/a"]),
    (check_host, "is not a valid host", ["", ".", ".:1", "https://a", "a/b", "a b", "::1", "a@b"]),
    (proxy_url, "is not a valid URL|has a path", ["proxy:3128", "http://u:sesame@proxy/x", "none"]),
    (check_token_url, "a grant other than", ["https://a/token?grant_type=password", "https://a/token?grant_type="]),
    (check_token_url, "has client_secret in its query", ["https://a/token?client_secret=sesame"]),
    (check_token_url, "has client_id in its query", ["https://a/token?client_id=x&client_secret=sesame"]),
    (check_token_url, "begin with https://", ["/token"]),
)
def test_what_does_not_fit_is_refused_and_not_shown(check: Callable[[str], object], wrong: str, text: str) -> None:
    """Dot segments would match no request, and a URL is no place for credentials."""
    with pytest.raises(ValueError, match=wrong) as caught:
        check(text)
    assert "sesame" not in str(caught.value)


@cases("text, path", ("/", ""), ("/a", "/a"), ("/a/", "/a"), ("/a//", "/a/"), ("/%2F/;b", "/%2F/;b"))
def test_a_prefix_loses_one_slash_at_its_end(text: str, path: str) -> None:
    """The root is empty."""
    assert check_path(text) == path


@grouped_cases(
    "host, text",
    ("proxy.example.com", ["Proxy.Example.com:8080", "Proxy.Example.com.", "proxy.example.com.:8080"]),
    ("proxy", ["proxy"]),
    ("10.0.0.1", ["10.0.0.1:80"]),
    ("[::1]", ["[::1]:80", "[::1]"]),
)
def test_a_host_has_neither_case_nor_port_nor_last_dot(text: str, host: str) -> None:
    """They do not count."""
    assert check_host(text) == host


@cases("text", "direct", "http://proxy:3128", "http://u:p@proxy:3128/")
def test_a_corporate_proxy_is_a_server_or_direct(text: str) -> None:
    """With credentials where it wants them."""
    assert check_proxy_url(SecretStr(text)).get_secret_value() == text


@grouped_cases(
    "expected, url",
    (False, ["http://127.0.0.1:80/x", "http://localhost/x", "http://[::1]/x", "https://a/x", "/x"]),
    (True, ["http://a/x"]),
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
    """Byte for byte."""
    query = "&".join([*params, "grant_type=client_credentials"])
    assert without_grant(f"https://a/t?{query}")[0].partition("?")[2] == "&".join(params)
