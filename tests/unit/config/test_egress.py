"""Which way token requests go."""

import base64

import pytest

from proxy.config.egress import CorporateProxy, check_environment, corporate_proxy
from tests.cases import cases

TARGET = "https://as.example/oauth/token"
P = "http://proxy.example:3128"


@cases(
    "url, proxy_url, environ, expected",
    {
        "nothing is configured": (TARGET, None, {}, None),
        "configured": (TARGET, P, {}, P),
        "configured with a slash": (TARGET, P + "/", {}, P),
        "configured with a dot": (TARGET, "http://proxy.example.:3128", {}, P),
        "configured beats all": (TARGET, P, {"HTTPS_PROXY": "http://other:1", "NO_PROXY": "*"}, P),
        "direct beats the environment": (TARGET, "direct", {"HTTPS_PROXY": P}, None),
        "environment": (TARGET, None, {"HTTPS_PROXY": P}, P),
        "lower case first": (TARGET, None, {"https_proxy": P, "HTTPS_PROXY": "http://other:1"}, P),
        "without a scheme": (TARGET, None, {"HTTPS_PROXY": "proxy.example:3128"}, P),
        "IPv6": (TARGET, None, {"HTTPS_PROXY": "http://[2001:db8::1]:80"}, "http://[2001:db8::1]:80"),
        "HTTP_PROXY is not read": (TARGET, None, {"HTTP_PROXY": P, "http_proxy": P, "ALL_PROXY": P}, None),
        "http goes directly": ("http://127.0.0.1:8/t", P, {"HTTPS_PROXY": P}, None),
        "loopback goes directly": ("https://127.0.0.1/t", None, {"HTTPS_PROXY": P}, None),
        "IPv6 loopback goes directly": ("https://[::1]/t", None, {"HTTPS_PROXY": P}, None),
        "localhost goes directly": ("https://localhost/t", None, {"HTTPS_PROXY": P}, None),
    },
)
def test_the_way_is(url: str, proxy_url: str | None, environ: dict[str, str], expected: str | None) -> None:
    """Configured, of the environment, or direct."""
    found = corporate_proxy(url, proxy_url=proxy_url, environ=environ)
    assert found == (None if expected is None else CorporateProxy(url=expected))


@cases(
    "no_proxy, url, is_direct",
    {
        "the host itself": ("as.example", TARGET, True),
        "case does not count": ("AS.Example", TARGET, True),
        "a domain above": ("example", TARGET, True),
        "with a dot": (".example", TARGET, True),
        "with a star": ("*.example", TARGET, True),
        "a part of a label": ("s.example", TARGET, False),
        "one of a list": ("other.test, as.example", TARGET, True),
        "empty rules": (",,", TARGET, False),
        "all": ("*", TARGET, True),
        "the port": ("as.example:443", TARGET, True),
        "another port": ("as.example:8443", TARGET, False),
        "a dot at the end": ("as.example", "https://as.example./t", True),
        "a dot at the end of the rule": ("as.example.", TARGET, True),
        "a network": ("10.0.0.0/8", "https://10.1.2.3/t", True),
        "another network": ("10.0.0.0/8", "https://11.1.2.3/t", False),
        "an address": ("10.1.2.3", "https://10.1.2.3/t", True),
        "an address with its port": ("10.1.2.3:443", "https://10.1.2.3/t", True),
        "an IPv6 network": ("2001:db8::/32", "https://[2001:db8::7]/t", True),
        "an IPv6 address is no port": ("2001:db8::443", "https://[2001:db8::443]/t", True),
        "an IPv6 address with its port": ("[2001:db8::7]:443", "https://[2001:db8::7]/t", True),
        "a name against an address": ("example", "https://10.1.2.3/t", False),
    },
)
def test_no_proxy_matches(no_proxy: str, url: str, is_direct: bool) -> None:
    """The lower case variable is read first."""
    environ = {"HTTPS_PROXY": P, "no_proxy": no_proxy, "NO_PROXY": "never.read"}
    assert (corporate_proxy(url, proxy_url=None, environ=environ) is None) is is_direct


def test_credentials_become_a_field_and_do_not_show() -> None:
    """The URL is left without them."""
    found = corporate_proxy(TARGET, proxy_url="http://j%C3%B6rg:canary%40%3A@proxy.example:3128", environ={})
    assert found is not None
    assert found.url == P
    assert found.authorization is not None
    assert base64.b64decode(found.authorization.removeprefix("Basic ")).decode() == "jörg:canary@:"
    assert "canary" not in repr(found)
    assert found.authorization not in repr(found)


def test_a_name_without_a_password_is_enough() -> None:
    """The password is empty then."""
    found = corporate_proxy(TARGET, proxy_url="http://u@proxy.example", environ={})
    assert found == CorporateProxy(url="http://proxy.example", authorization="Basic dTo=")


@cases("text", "socks5://u:canary@proxy:1080", "http://u:canary@", "http://u:canary@p:port")
@cases("is_named", True, False)
def test_what_is_no_proxy_is_refused_without_showing_it(text: str, is_named: bool) -> None:
    """Where it stands, and not what."""
    source = "proxy_url" if is_named else "HTTPS_PROXY"
    environ = {} if is_named else {"HTTPS_PROXY": text}
    with pytest.raises(ValueError, match=f"^{source} must be like http://proxy.example:3128$"):
        corporate_proxy(TARGET, proxy_url=text if is_named else None, environ=environ)


@cases("proxy_url, expected", (P, P), ("direct", None), (None, None))
def test_a_route_may_send_http_through_a_proxy_that_it_names(proxy_url: str | None, expected: str | None) -> None:
    """The environment's proxy does not."""
    found = corporate_proxy("http://up.example/", proxy_url=proxy_url, environ={"HTTPS_PROXY": P}, cleartext=True)
    assert (found.url if found else None) == expected


@cases(
    "url, address",
    ("http://p.example:3128", ("p.example", 3128)),
    ("http://p.example", ("p.example", 80)),
    ("https://p", ("p", 443)),
)
def test_a_proxy_without_a_port_listens_where_its_scheme_does(url: str, address: tuple[str, int]) -> None:
    """Where to connect to."""
    assert CorporateProxy(url=url).address == address


@cases("environ", {}, {"HTTPS_PROXY": ""}, {"https_proxy": "p:3128"}, {"HTTPS_PROXY": "http://p"})
def test_an_environment_without_a_wrong_proxy_is_right(environ: dict[str, str]) -> None:
    """Nothing is raised."""
    assert check_environment(environ) is None  # type: ignore[func-returns-value]


@cases("url", "socks5://p", "https://p", "http://[", "http://p:x")
def test_an_environment_with_a_wrong_proxy_is_told(url: str) -> None:
    """In lower case first; credentials for https:// would go in the clear to a port that waits for TLS."""
    with pytest.raises(ValueError, match=r"HTTPS_PROXY must be like http://proxy\.example:3128"):
        check_environment({"https_proxy": url, "HTTPS_PROXY": "http://p"})
