"""The files that say who is let in."""

from pathlib import Path

from proxy.config.inbound_auth import ApiKey, Basic, InboundAuth, both_orders, check_subject
from proxy.config.inbound_files import parse_keys
from tests.cases import cases
from tests.unit.config.entries import ROUTE, complaints, understand, written
from tests.unit.config.test_htpasswd import BCRYPT

BASIC = {"basic": {"users_file": "users"}}
API_KEY = {"api_key": {"keys_file": "keys"}}
FILES = {"users": f"erp:{BCRYPT}", "keys": "k1\n"}


def test_each_kind_names_its_file() -> None:
    """Keys come in X-API-Key unless another field is named."""
    routes = [ROUTE | {"inbound_auth": BASIC}, ROUTE | {"path": "/y", "inbound_auth": API_KEY}]
    basic, api_key = understand(written(routes=routes), files=FILES).routes
    assert basic.inbound_auth == InboundAuth(basic=Basic(users_file=Path("/etc/test/users")))
    assert api_key.inbound_auth == InboundAuth(api_key=ApiKey(field="X-API-Key", keys_file=Path("/etc/test/keys")))


def test_a_route_has_one_kind() -> None:
    """Both or either: nobody could tell."""
    (problem,) = complaints(written(route=ROUTE | {"inbound_auth": BASIC | API_KEY}), files=FILES)
    told = "names basic and api_key; write exactly one of basic, api_key or client_certificate"
    assert problem == f"proxy.yaml:1: routes[0].inbound_auth: {told}"


@cases(
    "file, text, told",
    ("users", "# x\nerp:sesame", "basic.users_file: the file /etc/test/users has in line 2 a hash that is neither"),
    ("keys", "k1\nses\tame\x07", "api_key.keys_file: the file /etc/test/keys has no valid key in line 2"),
    ("keys", "# x", "api_key.keys_file: the file /etc/test/keys contains no key"),
)
def test_what_is_wrong_in_a_file_is_told_by_its_line(file: str, text: str, told: str) -> None:
    """At the option that names the file, without what stands there."""
    auth = BASIC if file == "users" else API_KEY
    (problem,) = complaints(written(route=ROUTE | {"inbound_auth": auth}), files=FILES | {file: text})
    assert problem.startswith(f"proxy.yaml:1: routes[0].inbound_auth.{told}")
    assert "sesame" not in problem


def test_keys_stand_one_a_line() -> None:
    """Comments and blank lines do not count."""
    assert parse_keys("# erp\nk1\n\nk 2\r\n") == (b"k1", b"k 2")


def test_an_address_beyond_this_machine_may_be_fenced_by_credentials() -> None:
    """Where each route asks for them, or for an address."""
    routes = [ROUTE | {"inbound_auth": BASIC}, ROUTE | {"path": "/y", "allow": ["10.0.0.0/8"]}]
    assert len(understand(written(listen="0.0.0.0:1", routes=routes), files=FILES).routes) == 2
    (problem,) = complaints(written(listen="0.0.0.0:1", routes=[*routes, ROUTE | {"path": "/z"}]), files=FILES)
    assert "anyone could use routes[2]" in problem


CERTIFICATE = {"client_certificate": {"subjects": ["CN=erp,O=Example"]}}


def test_a_certificate_that_no_listener_asks_for_is_told() -> None:
    """Else the route would serve nobody."""
    (problem,) = complaints(written(route=ROUTE | {"inbound_auth": CERTIFICATE}), files=FILES)
    told = "is not requested by any listener; set `tls.client_ca_file` for one"
    assert problem == f"proxy.yaml:1: routes[0].inbound_auth.client_certificate: {told}"


@cases(
    "subject",
    "erp",
    "CN=erp\u2026",
    "O=Exampl\u2026,CN=erp",
    " CN=erp",
    "CN=erp,",
    "CN=erp\\",
    "/O=Example/CN=erp",
    'O="Example",CN=erp',
    "CN=erp,Example",
)
def test_a_subject_is_a_whole_name(subject: str) -> None:
    """One that was cut in the log would match whatever begins like it."""
    auth = {"client_certificate": {"subjects": [subject]}}
    problems = complaints(written(route=ROUTE | {"inbound_auth": auth}), files=FILES)
    assert any("subjects[0]: is not a valid certificate subject" in problem for problem in problems)


@cases(
    "written, subject",
    ("CN=erp,O=Example", "CN=erp,O=Example"),
    ("O = Example, CN = erp", "O=Example,CN=erp"),
    ("O=Example\\, Inc. ,CN=erp", "O=Example\\, Inc.,CN=erp"),
    ("O=Example\\ ,CN=erp", "O=Example\\ ,CN=erp"),
    ("1.2.840.113549.1.9.1=a@b,CN=a=b", "1.2.840.113549.1.9.1=a@b,CN=a=b"),
    ("CN=", "CN="),
)
def test_a_subject_has_no_spaces_between_its_parts(written: str, subject: str) -> None:
    """Those that belong to a value are escaped (RFC 4514)."""
    assert check_subject(written) == subject


def test_a_subject_has_two_orders() -> None:
    """An escaped comma does not end a part."""
    assert both_orders("O=A\\,B,CN=erp") == ("O=A\\,B,CN=erp", "CN=erp,O=A\\,B")
