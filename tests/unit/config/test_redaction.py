"""Whatever slips, no secret is shown."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.config.environment import read_environment
from proxy.config.problems import ConfigurationError
from proxy.config.redaction import HIDDEN, is_close, shown
from proxy.config.resolve import resolve
from proxy.config.secrets import read_secret
from tests.cases import cases
from tests.unit.config.entries import FOLDER, OAUTH, TOKEN_URL, complaints, written

SECRET = "s3cr3t"
CLIENT = "oauth_clients:\n  a:\n    token_url: https://as.example.com/t\n    client_id: a\n"
ROUTES = "routes:\n- {path: /x, upstream: https://up.example.com/x, oauth_client: a}\n"
AS_THE_SECRET = r"""
SECRET: x
SECRET↵   x: y
SECRET↵    client_secret: SECRET
'SECRET
"SECRET
"\SECRET"
"\UFFFFFFFF SECRET"
{TAB}SECRET↵{TAB}x: y
@SECRET
`SECRET`
%SECRET
!SECRET
!SECRET x
!SECRET!x y
!<SECRET> y
!!SECRET y
*SECRET
&SECRET
&SECRET x↵    client_id: &SECRET y
{SECRET}
{SECRET: }
{SECRET: x}
[SECRET]
[SECRET
${SECRET}
${SECRET:-}
${SECRET
${SECRET-x}
"""
IN_THE_CLIENT = r"""
client_secret:SECRET
client_secret SECRET
client_secret=SECRET
client_secret = SECRET
client_secret:↵    - SECRET
client_secret:↵      value: SECRET
client_secret_file: SECRET
client_secret_file: ./SECRET/x
client_secret_file: ${SECRET}
client_secret_file: {SECRET: x}
service_key_file: SECRET
SECRET: client_secret
SECRET:
SECRET
? SECRET
? [SECRET]↵    : x
? {SECRET: x}↵    : x
client_secretSECRET: x
clientsecret: SECRET
<<: SECRET
<<: [SECRET]
<<: *SECRET
<<: {SECRET: x}
service_key: {clientid:x,clientsecret:SECRET}
service_key: {clientid: x, clientsecret: SECRET, uaa: {SECRET: }}
service_key: SECRET
service_key: '{SECRET}'
"""
BEHIND_THE_SECRET = r"""
tls: {ca_file: SECRET}
tls: {cert_file: SECRET}
private_key_file: SECRET↵    token_endpoint_auth_method: private_key_jwt
scopes: SECRET\
endpoint_params: {resource:SECRET}
endpoint_params: {SECRET: }
endpoint_params: {SECRET: [x]}
endpoint_params: SECRET
endpoint_params: {client_secret: SECRET}
token_headers: {X-Key:SECRET}
token_headers: {'X-Key SECRET': x}
token_headers: {X-Key: 'SECRET ä'}
token_headers: {SECRET: 'ä'}
token_headers: {Authorization: SECRET}
proxy_url: http://u:SECRET@p:x
proxy_url: SECRET
token_url: SECRET
timeout: 10s client_secret=SECRET
timeout: 10s client_secret:SECRET
timeout: 10s↵      SECRET
timeout: '10s↵      SECRET'
timeout: {SECRET: x}
timeout: [SECRET]
timeout: ${UNSET:-SECRET}
timeout: 1${UNSET:-SECRET}
endpoint_params: {timeout: [SECRET]}
token_headers: {timeout: 'SECRET ä'}
tls: SECRET
tls: {SECRET: x}
"""
BESIDE_THE_CLIENT = r"""
  client_secret:SECRET
  client_secret:SECRET:
  SECRET:
  SECRET: SECRET
  client_secret:SECRET: {client_id: x}
  client_secret: SECRET
SECRET: x
SECRET:
SECRET
client_secret:SECRET
client_secret: SECRET
%SECRET↵---
--- SECRET
{BELL}SECRET: x
listen: [{SECRET: x}]
log: {SECRET: x}
via: 'SECRET @'
listen: https://u:SECRET@127.0.0.1:1
"""


def slips(text: str, before: str = "") -> list[str]:
    """One slip a line, in which ↵ is a line end."""
    lines = text.replace("{TAB}", "\t").replace("{BELL}", "\a").strip("\n").split("\n")
    return [before + line.replace("↵", "\n") + "\n" for line in lines]


SLIPS = [
    *slips(AS_THE_SECRET, "    client_secret: "),
    *slips(IN_THE_CLIENT, "    "),
    *slips(BEHIND_THE_SECRET, "    client_secret: x\n    "),
    *slips(BESIDE_THE_CLIENT),
]
FLOW = [
    "{client_secret:SECRET}",
    "{client_secret SECRET}",
    "{SECRET}",
    "[client_secret: SECRET]",
    "client_secret:SECRET",
]


def slipped(slip: str, secret: str) -> str:
    """A whole file with the slip in it."""
    return CLIENT + slip.replace("SECRET", secret) + ROUTES


@cases("slip", *SLIPS)
def test_no_problem_shows_a_secret_after_a_slip(slip: str) -> None:
    """Neither in a path nor in a sentence."""
    told = complaints(slipped(slip, SECRET))
    assert SECRET not in "\n".join(told)


@cases("slip", *FLOW)
@cases("around", "oauth_clients: {a: SLIP}\n", "oauth_clients: SLIP\n", "oauth_clients: [SLIP]\n")
def test_no_problem_shows_a_secret_after_a_slip_in_braces(around: str, slip: str) -> None:
    """All of it is a key there."""
    told = complaints(around.replace("SLIP", slip).replace("SECRET", SECRET) + ROUTES)
    assert SECRET not in "\n".join(told)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(slip=st.sampled_from(SLIPS), secret=st.text("0123456789abcdefXYZ!$-_.=+/", min_size=8, max_size=40))
def test_no_problem_shows_any_secret(slip: str, secret: str) -> None:
    """Whatever it is made of."""
    try:
        told = complaints(slipped(slip, secret))
    except pytest.fail.Exception:  # with these letters the slip is none
        return
    assert secret not in "\n".join(told)


@cases(
    "option, shown",
    ("timeout: 10 seconds", '"10 seconds" is not a valid duration'),
    ("timeout: 0", '"0" is too small'),
    ("timeout: yes", '"yes" is not a valid duration'),
    ("timeout: " + 60 * "x", f'"{60 * "x"}" is not a valid duration'),
    ("timeout: " + 61 * "x", f'"{59 * "x"}…" is not a valid duration'),
    ("timeout: $${x", "is not a valid duration"),
    ("provider: Neo", "\"Neo\" is not known; write one of 'neo', 'xsuaa' or 'generic'"),
    ("insecure: never", '"never" is not a valid switch'),
    ("client_secret_next: [x]", "is not text"),
    ("<<: {timeout: x}\n    timeout: ${UNSET:-y}", "is not a valid duration"),
    ("<<: {timeout: x}", '"x" is not a valid duration'),
)
def test_a_wrong_value_is_quoted_if_its_option_can_hold_no_secret(option: str, shown: str) -> None:
    """At most 60 characters; not if it has a variable in it."""
    (problem,) = complaints(slipped(f"    client_secret: x\n    {option}\n", SECRET))
    assert problem.partition(": ")[2].partition(": ")[2].startswith(shown)


def test_a_key_that_swallowed_its_value_is_told_as_such() -> None:
    """With the line."""
    told = complaints(slipped("    client_secret: x\n    tls: {ca_file:SECRET}\n", SECRET))
    assert told == ["proxy.yaml:6: oauth_clients.a.tls.…: has no value; write a colon and a space after the key"]


@cases(
    "location, seen",
    (("routes", 0, "timeout"), ("routes", 0, "timeout")),
    (("routes", 0, "timeot"), ("routes", 0, "timeot")),
    (("routes", 0, "Time-Out"), ("routes", 0, "Time-Out")),
    (("oauth_clients", "any.name-1", "client_id"), ("oauth_clients", "any.name-1", "client_id")),
    (("oauth_clients", "any.name-1"), ("oauth_clients", HIDDEN)),
    (("oauth_clients", "a:b", "client_id"), ("oauth_clients", HIDDEN, "client_id")),
    (("oauth_clients", "client_secret"), ("oauth_clients", "client_secret")),
    (("oauth_clients", "a", "client_secret12"), ("oauth_clients", "a", "client_secret12")),
    (("oauth_clients", "a", "client_secret123"), ("oauth_clients", "a", HIDDEN)),
    (("routes", 0, "set_fields", "X-Api-Key"), ("routes", 0, "set_fields", "X-Api-Key")),
    (("routes", 0, "set_fields", "X-Api-Key1"), ("routes", 0, "set_fields", HIDDEN)),
    (("routes", 0, "set_fields", "Content_Length"), ("routes", 0, "set_fields", "Content_Length")),
    ((), ()),
)
def test_words_that_are_known_are_shown(location: tuple[str | int, ...], seen: tuple[str | int, ...]) -> None:
    """And what is one slip away from them."""
    assert shown(location) == seen


def test_a_word_is_close_that_is_nearly_another() -> None:
    """A longer one with a known word in it is not."""
    assert is_close("timeot", ["timeout"])
    assert not is_close("timeout-s3c", ["timeout"])
    assert not is_close("s3cr3t", ["secret"])


@cases(
    "variables",
    {"CPI_CLIENT_SECRET": "", "CPI_CLIENT_SECRETS3CR3T": "x"},
    {"CPI_CLIENT_SECRET": "s3cr3t\n"},
    {"CPI_CLIENT_SECRET_FILE": "s3cr3t"},
    {"CPI_CLIENT_SECRET_FILE": "/nowhere/s3cr3t"},
    {"CPI_CLIENT_SECRET": "x", "CPI_CLIENT_ID": " s3cr3t"},
    {"CPI_CLIENT_SECRET": "x", "CPI_TOKEN_URL": "s3cr3t"},
    {"CPI_CLIENT_SECRET": "x", "CPI_UPSTREAM": "https://u:s3cr3t@h"},
    {"CPI_CLIENT_SECRET": "x", "CPI_LISTEN": "s3cr3t"},
    {"CPI_CLIENT_SECRET": "x", "CPI_ALLOW": "s3cr3t"},
    {"CPI_CLIENT_SECRET": "x", "CPI_CA_FILE": "s3cr3t"},
    {"CPI_SERVICE_KEY": "s3cr3t"},
    {"CPI_SERVICE_KEY": '{"clientsecret": "s3cr3t"}'},
    {"CPI_SERVICE_KEY": json.dumps({"it-rt": [{"name": "n", "credentials": {"oauth": {"s3cr3t": 1}}}]})},
    {"CPI_SERVICE_KEY": json.dumps({"oauth": {**OAUTH, "clientsecret": "s3cr3t\n"}})},
    {"CPI_SERVICE_KEY_FILE": "s3cr3t"},
)
def test_no_problem_shows_what_a_variable_holds(variables: dict[str, str]) -> None:
    """Nor what stands in the wrong one, or in its name."""
    environ = {"CPI_UPSTREAM": "https://up.example.com", "CPI_TOKEN_URL": TOKEN_URL, "CPI_CLIENT_ID": "a"}
    found = read_environment(environ | variables)
    assert found is not None
    with pytest.raises(ConfigurationError) as caught:
        resolve(*found, folder=FOLDER, read=read_secret, insecure_listen=False)
    assert "s3cr3t" not in str(caught.value).lower()


def test_an_oauth_client_that_is_a_slip_is_not_listed() -> None:
    """A route that names none is told of those that can be used."""
    text = written().replace('{"a":', '{"a:s3cr3t": 1, "b":').replace('"oauth_client": "a"', '"oauth_client": "x"')
    assert "s3cr3t" not in "\n".join(complaints(text))
