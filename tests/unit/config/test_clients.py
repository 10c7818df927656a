"""OAuth clients: presets, service keys, credentials."""

from pathlib import Path
from typing import Any

from pydantic import SecretStr

from proxy.config.choices import AuthMethod
from proxy.config.model import OAuthClient
from tests.cases import cases
from tests.fakes.identity import CERTIFICATE, KEY, OTHER_KEY
from tests.unit.config.entries import (
    BARE,
    BASIC,
    CERTIFICATE_KEY,
    EXTERNAL_KEY,
    PEM,
    SECRET_KEY,
    TOKEN_URL,
    assert_told,
    complaints,
    understand,
    written,
)

SIGNED = {"token_endpoint_auth_method": "private_key_jwt"}
NEO = "https://oauthasservices-a1.hana.ondemand.com/oauth2/api/v1/token"
BTP = "https://t.authentication.eu10.hana.ondemand.com/oauth/token"
FILES = {
    "secret": "from-file",
    "empty": "",
    "lines": "a\nb",
    "key.json": SECRET_KEY,
    "cert.json": CERTIFICATE_KEY,
    "external.json": EXTERNAL_KEY,
    "broken.json": "{sesame",
    "xsuaa.json": '{"clientid": "a", "clientsecret": "s", "url": "https://t.authentication.x"}',
    "cleartext.json": '{"clientid": "a:b", "clientsecret": "s", "url": "http://t.authentication.x"}',
    "a.pem": PEM,
    "cert.pem": CERTIFICATE,
    "key.pem": KEY,
    "other.pem": OTHER_KEY,
    "a.der": "sesame",
}


@cases(
    "client, expected",
    (BASIC | {"token_url": NEO}, "neo client_secret_basic raw query jwt"),
    (BASIC | {"token_url": BTP}, "xsuaa client_secret_post raw body opaque"),
    (BASIC, "generic client_secret_basic urlencoded body opaque"),
    ({"service_key_file": "key.json"}, "xsuaa client_secret_post raw body opaque"),
    ({"service_key_file": "cert.json"}, "xsuaa tls_client_auth raw body opaque"),
    (
        BASIC | {"token_url": NEO + "?token_format=jwtrfc&grant_type=client_credentials", "params_in": "body"},
        "neo client_secret_basic raw body jwtrfc",
    ),
    (
        BASIC | {"provider": "neo", "token_format": "opaque", "token_endpoint_auth_method": "client_secret_post"},
        "neo client_secret_post raw query opaque",
    ),
)
def test_the_provider_presets_what_is_not_given(client: Any, expected: str) -> None:
    """It is as the provider needs it."""
    found = understood(client)
    method, params = found.token_endpoint_auth_method, (found.params_in, found.token_format)
    assert " ".join((found.provider, method, found.basic_encoding, *params)) == expected


def understood(client: Any) -> OAuthClient:
    """The OAuth client as it is configured."""
    return understand(written(client=client), files=FILES).oauth_clients["a"]


def test_the_grant_in_the_token_url_is_not_sent_twice() -> None:
    """What the proxy sends itself goes."""
    client = BASIC | {"token_url": TOKEN_URL + "?grant_type=client_credentials&x=1"}
    assert understood(client).token_url == TOKEN_URL + "?x=1"


@cases("key", {"service_key": SECRET_KEY}, {"service_key_file": "key.json"})
def test_a_service_key_brings_id_secret_and_token_url(key: Any) -> None:
    """The key is in the file or beside it."""
    found = understood(key)
    assert (found.name, found.client_id, found.client_secret) == ("a", "sb-1", SecretStr("s$x="))
    assert found.token_url == "https://t.authentication.x/oauth/token"


def test_a_service_key_can_be_pasted_into_the_file() -> None:
    """JSON is YAML, so that a key need not be quoted."""
    text = f"oauth_clients: {{a: {{service_key: {SECRET_KEY}}}}}\nroutes: [{{path: /, upstream: /, oauth_client: a}}]\n"
    assert understand(text).oauth_clients["a"].client_id == "sb-1"


def test_a_certificate_key_brings_the_certificate() -> None:
    """And no secret."""
    found = understood({"service_key_file": "cert.json"})
    assert (found.certificate, found.private_key, found.client_secret) == (SecretStr(PEM), SecretStr(PEM), None)


def test_an_external_certificate_is_the_operator_s() -> None:
    """Certificate and key come from files."""
    client = {"service_key_file": "external.json", "tls": {"cert_file": "a.pem", "key_file": "a.pem"}}
    found = understood(client)
    assert (found.certificate, found.private_key) == (None, None)
    assert found.tls.cert_file == Path("/etc/test/a.pem")
    assert found.token_endpoint_auth_method is AuthMethod.TLS_CLIENT_AUTH


def test_a_secret_in_a_file_is_there_with_its_path() -> None:
    """Who follows the file knows what stood there."""
    client = BARE | {"client_secret_file": "secret"}
    found = understood(client | {"client_secret_next_file": "secret"})
    assert (found.client_secret, found.client_secret_file) == (SecretStr("from-file"), Path("/etc/test/secret"))
    assert found.client_secret_next == SecretStr("from-file")


@cases(
    "client",
    {"token_endpoint_auth_method": "none"},
    {"token_endpoint_auth_method": "private_key_jwt", "private_key_file": "a.pem", "private_key_id": "k"},
    {"token_endpoint_auth_method": "tls_client_auth", "tls": {"cert_file": "a.pem"}},
)
def test_other_methods_need_no_secret(client: Any) -> None:
    """A key, a certificate or nothing takes the secret's place."""
    client = BARE | client
    assert understood(client).client_secret is None


def test_an_encoded_id_may_have_a_colon() -> None:
    """Only where the id goes as it is, a colon would end it."""
    assert understood(BASIC | {"client_id": "a:b"}).client_id == "a:b"


@cases("client", BASIC | {"token_url": "http://127.0.0.1/t"}, BASIC | {"token_url": "http://as/t", "insecure": True})
def test_cleartext_is_admitted_to_this_machine_or_when_asked_for(client: Any) -> None:
    """On the operator's word."""
    assert understood(client).token_url == client["token_url"]


@cases(
    "client, told",
    ({}, ["token_url: is missing", "client_id: is missing", "client_secret: is missing"]),
    (BASIC | {"client_secret_file": "secret"}, "client_secret_file: is set together with `client_secret`"),
    (BASIC | {"client_secret": ""}, "client_secret: is empty"),
    (BASIC | {"client_secret": "sesame\n"}, "client_secret: contains a line end"),
    (BASIC | {"client_secret_next": ""}, "client_secret_next: is empty"),
    (BASIC | {"client_secret_next_file": "lines"}, "client_secret_next_file: contains a line end"),
    (BASIC | {"client_id": "sesame "}, "client_id: begins or ends with white space"),
    (BASIC | {"client_id": "a:b", "basic_encoding": "raw"}, "client_id: has a colon"),
    (BASIC | {"token_url": "http://as.example.com"}, "token_url: is http:// to another machine"),
    (
        BASIC | {"token_url": "http://127.0.0.1/t", "proxy_url": "http://sesame@p"},
        "proxy_url: is used only for https://",
    ),
    (BASIC | {"private_key_file": "a.pem"}, "private_key_file: is not used by client_secret_basic"),
    (BASIC | {"token_endpoint_auth_method": "none"}, "client_secret: is not used by none"),
    (BASIC | {"tls": {"ca_file": "a.der"}}, "tls.ca_file: the file /etc/test/a.der contains no readable certificate"),
    (
        BASIC | {"tls": {"ca_file": "key.pem"}},
        "tls.ca_file: the file /etc/test/key.pem contains no readable certificate",
    ),
    (
        BASIC | {"tls": {"cert_file": "a.der"}},
        "tls.cert_file: the file /etc/test/a.der contains no readable certificate",
    ),
    (
        BASIC | {"tls": {"cert_file": "cert.pem"}},
        "tls.cert_file: the file /etc/test/cert.pem contains no readable private key",
    ),
    (
        BASIC | {"tls": {"cert_file": "cert.pem", "key_file": "other.pem"}},
        "tls.key_file: the file /etc/test/other.pem belongs to another certificate",
    ),
    (
        BASIC | {"tls": {"cert_file": "cert.pem", "key_file": "a.der"}},
        "tls.key_file: the file /etc/test/a.der contains no readable private key",
    ),
    (BASIC | {"tls": {"ca_file": "nowhere"}}, "tls.ca_file: is not there"),
    (BASIC | {"tls": {"ca_file": ""}}, "tls.ca_file: does not name a file"),
    (BASIC | {"tls": {"key_file": "a.pem"}}, "tls.key_file: has no cert_file with it"),
    (BASIC | SIGNED, ["client_secret: is not used", "private_key_file: is m"]),
    (BARE | {"token_endpoint_auth_method": "tls_client_auth"}, "tls: has no cert_file"),
    (BARE | {**SIGNED, "private_key_file": "x"}, "private_key_file: is not there"),
    (
        BARE | {**SIGNED, "private_key_file": "a.der"},
        "private_key_file: the file /etc/test/a.der contains no readable private key",
    ),
    (BARE | {"client_secret_file": "empty"}, "client_secret_file: is empty"),
    (BARE | {"client_secret_file": "nowhere"}, "client_secret_file: is not there"),
    ({"service_key_file": "nowhere"}, "service_key_file: is not there"),
    ({"service_key_file": "broken.json"}, "service_key_file: is not valid JSON"),
    ({"service_key": "{sesame"}, "service_key: is not valid JSON"),
    ({"service_key": ""}, "service_key: is not valid JSON"),
    (
        {"service_key": SECRET_KEY, "service_key_file": "key.json"},
        "service_key_file: is set together with `service_key`",
    ),
    (
        {"service_key_file": "key.json", **BASIC},
        [f"{name}: is already in the service key" for name in ("token_url", "client_id", "client_secret")],
    ),
    (
        {"service_key_file": "cert.json", "token_endpoint_auth_method": "client_secret_post"},
        "token_endpoint_auth_method: needs a secret, but the service key contains a certificate",
    ),
    ({"service_key_file": "cert.json", "tls": {"cert_file": "a.pem"}}, "tls: has a cert_file, but the service key"),
    ({"service_key_file": "external.json"}, "tls: has no cert_file, which tls_client_auth needs"),
    (
        {"service_key_file": "cleartext.json", "token_endpoint_auth_method": "client_secret_basic"},
        "service_key_file: has a colon",
    ),
    (
        {"service_key_file": "broken.json", "token_endpoint_auth_method": "tls_client_auth"},
        "service_key_file: is not valid JSON",
    ),
)
def test_credentials_that_do_not_fit_are_told(client: Any, told: Any) -> None:
    """At the option, and not shown."""
    assert_told(written(client=client), told, at="oauth_clients.a.", files=FILES)


def test_a_value_that_is_wrong_is_not_called_missing_too() -> None:
    """An unset variable is one problem."""
    client = {"token_url": "${U}", "client_id": "${I}", "client_secret_file": "${F}", "tls": {"cert_file": "${C}"}}
    found = complaints(written(client=client))
    assert [problem.rpartition(", which")[0].rpartition(" ")[2] for problem in found] == ["U", "I", "F", "C"]
    client = BARE | {"private_key_file": "${K}"}
    (problem,) = complaints(written(client=client | {"token_endpoint_auth_method": "private_key_jwt"}))
    assert "needs the variable K" in problem


@cases(
    "client, path",
    (BASIC | {"endpoint_params": {"grant_type": "sesame"}}, "endpoint_params.grant_type"),
    (BASIC | {"token_headers": {"X-A": "sesame\r\nX-B: 1"}}, "token_headers.X-A"),
    (BASIC | {"token_headers": {"Host": "sesame"}}, "token_headers.Host"),
    (BASIC | {"scopes": ['sesame"']}, "scopes[0]"),
    (BASIC | {"proxy_url": "sesame"}, "proxy_url"),
    (BASIC | {"timeout": "0s"}, "timeout"),
    (BASIC | {"default_ttl": "0"}, "default_ttl"),
    (BASIC | {"token_url": "https://u:sesame@as/t"}, "token_url"),
)
def test_a_value_that_does_not_fit_is_told_with_its_path(client: Any, path: str) -> None:
    """Its value is not shown."""
    (problem,) = complaints(written(client=client))
    assert problem.startswith(f"proxy.yaml:1: oauth_clients.a.{path}: ")
    assert "sesame" not in problem


def test_nothing_of_a_client_s_secrets_is_printed() -> None:
    """Secrets, headers and parameters stay out of a client's text."""
    client = BASIC | {
        "client_secret": "sesame",
        "client_secret_next": "sesame",
        "proxy_url": "http://u:sesame@proxy",
        "token_headers": {"X-Key": "sesame"},
        "endpoint_params": {"x": "sesame"},
    }
    configuration = understand(written(client=client))
    assert "sesame" not in repr(configuration)
    assert "sesame" not in str(configuration)
