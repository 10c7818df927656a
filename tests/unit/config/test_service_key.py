"""Service keys in all their shapes."""

import json
from typing import Any

import pytest
from pydantic import SecretStr

from proxy.config.service_key import ServiceKey, parse_service_key
from tests.cases import cases, grouped_cases
from tests.fakes.identity import CERTIFICATE, KEY, OTHER_KEY

ID = "sb-1!b2|it-rt-t!b3"
SERVER = "https://t.authentication.eu10.hana.ondemand.com"
CERT_SERVER = "https://t.authentication.cert.eu10.hana.ondemand.com"
RUNTIME = "https://t.it-cpi001-rt.cfapps.eu10.hana.ondemand.com"
OAUTH = {"clientid": ID, "clientsecret": "s$x=", "tokenurl": SERVER + "/oauth/token", "url": RUNTIME, "createdate": "x"}
WITH_SECRET = ServiceKey(client_id=ID, token_url=SERVER + "/oauth/token", url=RUNTIME, client_secret=SecretStr("s$x="))


@cases(
    "document",
    {"oauth": OAUTH},
    {"credentials": {"oauth": OAUTH}},
    OAUTH,
    {"oauth": OAUTH | {"url": RUNTIME + "/"}},
    {"oauth": json.dumps(OAUTH), "plan": "integration-flow"},
    {"credentials": json.dumps({"oauth": OAUTH})},
    {"it-rt": [{"name": "cpi", "credentials": {"oauth": OAUTH}}], "xsuaa": [{"credentials": {}}]},
)
def test_a_key_of_process_integration_runtime_has_a_secret_and_the_runtime_s_url(document: Any) -> None:
    """With its wrapping and without, from bindings and from files."""
    assert parse_service_key(json.dumps(document)) == WITH_SECRET


PRINTED = json.dumps({"credentials": {"oauth": OAUTH}}, indent=2)


@cases(
    "text",
    {
        "cf, 8": f"Getting key k for service instance i as a@b.example...\n\n{PRINTED}\n",
        "a brace in its name": f"Getting key {{k}} for service instance i...\r\n\r\n{PRINTED}\r\n",
        "cf, 6": f"Getting key k for service instance i as a...\n{json.dumps(OAUTH)}",
        "in color": f"\x1b[1mGetting key\x1b[0m\n  {PRINTED}",
        "btp": f"\n{PRINTED}\n\nOK\n",
    },
)
def test_a_key_is_read_as_a_command_printed_it(text: str) -> None:
    """With lines above and below it."""
    assert parse_service_key(text) == WITH_SECRET


@cases("end", "\n", "\\n", "\\r\\n")
def test_a_certificate_key_gets_its_line_ends_back(end: str) -> None:
    r"""PEM with the two characters `\n` in it is PEM again."""
    certificate = {"certificate": CERTIFICATE.replace("\n", end), "key": KEY.replace("\n", end)}
    document = {"oauth": {"clientid": ID, "tokenurl": CERT_SERVER + "/oauth/token", "url": RUNTIME, **certificate}}
    assert parse_service_key(json.dumps(document)) == ServiceKey(
        client_id=ID,
        token_url=CERT_SERVER + "/oauth/token",
        url=RUNTIME,
        certificate=SecretStr(CERTIFICATE),
        private_key=SecretStr(KEY),
    )


def test_an_external_certificate_has_no_key() -> None:
    """The key of an external certificate is its owner's."""
    document = {"oauth": {"clientid": ID, "tokenurl": SERVER, "url": RUNTIME, "certificate": CERTIFICATE}}
    key = parse_service_key(json.dumps(document))
    assert (key.certificate, key.private_key, key.client_secret) == (SecretStr(CERTIFICATE), None, None)


@grouped_cases(
    "key, wrong, certificate",
    (KEY, "has a certificate that cannot be used: it contains no readable certificate", ["sesame", KEY]),
    ("sesame", "has a key that cannot be used: it contains no readable private key", [CERTIFICATE]),
    (OTHER_KEY, "has a key that cannot be used: it belongs to another certificate", [CERTIFICATE]),
)
def test_a_certificate_that_cannot_be_used_is_told(certificate: str, key: str, wrong: str) -> None:
    """When the key is read."""
    document = {"clientid": ID, "tokenurl": SERVER, "url": RUNTIME, "certificate": certificate, "key": key}
    with pytest.raises(ValueError, match=wrong) as caught:
        parse_service_key(json.dumps({"oauth": document}))
    assert "sesame" not in str(caught.value)


def test_a_binding_of_xsuaa_names_its_server_and_no_runtime() -> None:
    """The token endpoint is below the server's url."""
    binding = {"clientid": ID, "clientsecret": "s", "url": SERVER + "/", "certurl": CERT_SERVER, "xsappname": "x"}
    assert parse_service_key(json.dumps(binding)) == ServiceKey(
        client_id=ID, token_url=SERVER + "/oauth/token", url=None, client_secret=SecretStr("s")
    )


def test_a_binding_of_xsuaa_with_a_certificate_uses_the_server_for_certificates() -> None:
    """Certificates are asked for by another host (RFC 8705 section 5)."""
    binding = {"clientid": ID, "certificate": CERTIFICATE, "key": KEY, "url": SERVER, "certurl": CERT_SERVER}
    key = parse_service_key(json.dumps(binding))
    assert (key.token_url, key.url) == (CERT_SERVER + "/oauth/token", None)
    without = parse_service_key(json.dumps({**binding, "certurl": None}))
    assert without.token_url == SERVER + "/oauth/token"


@grouped_cases(
    "wrong, text",
    (
        "is not valid JSON",
        [
            "",
            "{sesame",
            "[" * 99999,
            "Getting key sesame",
            "Getting key\n{sesame",
            "Getting key\n{sesame}\n",
            f"{PRINTED}\n{PRINTED}".replace("s$x=", "sesame"),
            "{\n" * 300_000,
            '{"oauth": "sesame"}',
            '{"clientsecret": "sesame\\ud800"}',
        ],
    ),
    ("is not a service key", [f"[\n{PRINTED},\n{PRINTED}\n]".replace("s$x=", "sesame"), '["sesame"]', '{"oauth": 1}']),
    ("has no binding of it-rt", ['{"logs": [{"credentials": {"clientsecret": "sesame"}}]}']),
    ("has neither clientsecret nor certificate", ['{"clientid": "sesame"}']),
    ("has a clientsecret that is not text", ['{"clientsecret": ["sesame"]}']),
    ("has no clientid", ['{"clientsecret": "sesame"}', '{"clientsecret": "sesame", "clientid": ""}']),
    ("has a clientid that cannot be used: it begins", ['{"clientsecret": "sesame", "clientid": " x"}']),
    ("has a clientsecret that cannot", ['{"clientsecret": "sesame\\n", "clientid": "x", "tokenurl": "https://a/t"}']),
    ("has no url", ['{"clientsecret": "sesame", "clientid": "x"}']),
    ("has a tokenurl that cannot be used", ['{"clientsecret": "sesame", "clientid": "x", "tokenurl": "sesame"}']),
    (
        "has a url that cannot be used",
        ['{"clientsecret": "sesame", "clientid": "x", "tokenurl": "https://a/t", "url": "/sesame"}'],
    ),
)
def test_what_is_no_service_key_is_refused_and_not_shown(text: str, wrong: str) -> None:
    """The sentence says what is missing."""
    with pytest.raises(ValueError, match=wrong) as caught:
        parse_service_key(text)
    assert "sesame" not in str(caught.value)


def test_a_service_key_hides_its_secrets() -> None:
    """What is printed by accident is no secret."""
    assert "s$x=" not in repr(WITH_SECRET)
