"""Which fields are forwarded."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.forwarding import fields as field_rules
from proxy.forwarding.fields import FieldRules, end_to_end, request_names, request_passes
from proxy.wire.field_names import FieldNames
from proxy.wire.grammar import Fields
from tests.cases import cases
from tests.fakes.field_names import DROPPED, FORWARDED, READ_HERE
from tests.fakes.heads import REQUESTS, RESPONSES

ALL_DROPPED = [*READ_HERE, *(name for names in DROPPED.values() for name in names)]
CASED = st.sampled_from([bytes.lower, bytes.upper, lambda name: name])
NAMES = st.builds(lambda name, case: case(name), st.sampled_from([*ALL_DROPPED, *FORWARDED]), CASED)
OWN = st.from_regex(rb"[Xx]-[A-Za-z0-9_]{1,8}", fullmatch=True)
LINE = st.builds(
    lambda name, colon, value: name + colon + value,
    NAMES | OWN,
    st.sampled_from([b":", b": ", b":\t "]),
    st.from_regex(rb"[!-~]([ -~]{0,10}[!-~])?", fullmatch=True),
)
CONNECTION = st.lists(OWN | st.sampled_from([b"close", b"Cookie", b"Content-Type"]), max_size=3).map(
    lambda names: b"Connection: " + b", ".join(names)
)


def passes(name: bytes, rules: FieldRules, names: FieldNames | None = None) -> bool:
    """Whether a request field of this name is forwarded."""
    return rules.select(fields([name + b": 1"], names)) == [name + b": 1"]


def fields(lines: list[bytes], names: FieldNames | None = None) -> Fields:
    """Returns the fields of a request; any may be repeated."""
    table = names or request_names()
    kinds = [(line, table.kind(line.partition(b":")[0])) for line in lines]
    noted = {kind.name: line.partition(b":")[2] for line, kind in kinds if kind and kind.noted}
    return Fields(lines, [line for line, kind in kinds if kind and kind.passes], noted, table)


@cases("case", bytes.lower, bytes.upper, bytes)
@cases("name", *ALL_DROPPED)
def test_a_request_field_that_is_ours_or_dangerous_is_dropped(name: bytes, case: type[bytes]) -> None:
    """So is a look-alike."""
    assert not passes(case(name), FieldRules())
    assert not passes(case(name), FieldRules(drop=frozenset({b"x"})))


@cases("name", *FORWARDED)
def test_any_other_request_field_passes(name: bytes) -> None:
    """Underscores are allowed."""
    assert passes(name, FieldRules())
    assert passes(name, FieldRules(drop=frozenset({b"x"})))


def test_a_route_may_drop_more_and_let_sap_fields_go_on() -> None:
    """`drop_fields`, `set_fields`, `forward_sap_fields`."""
    rules = FieldRules(drop=frozenset({b"x-secret", b"sap_other"}), sap_fields=True)
    names = (b"X-Secret", b"SAP_Anything", b"CamelFileName", b"SAP_Other", b"Authorization", b"X-A", b"SAP-R3AUTH")

    for _ in range(2):
        assert [passes(name, rules) for name in names] == [False, True, True, False, False, True, False]


@cases(
    "name",
    *b"Content-Length WWW-Authenticate Proxy-Authenticate Connection Keep-Alive Proxy-Status PROXY_STATUS"
    b" set-Cookie".split(),
)
def test_a_response_field_of_the_hop_or_of_our_token_is_dropped(name: bytes) -> None:
    """Proxy-Status is ours alone."""
    assert end_to_end(RESPONSES.read(b"HTTP/1.1 200 OK\r\n%b: 1\r\n\r\n" % name).fields) == []


@cases("name", b"Content-Type", b"sap_messageprocessinglogid", b"Authorization")
def test_any_other_response_field_is_forwarded(name: bytes) -> None:
    """The line is unchanged."""
    assert end_to_end(RESPONSES.read(b"HTTP/1.1 200 OK\r\n%b: 1\r\n\r\n" % name).fields) == [name + b": 1"]


@given(lines=st.lists(LINE, max_size=8), drop=st.lists(OWN, max_size=2), sap_fields=st.booleans())
def test_nobodys_credentials_and_framing_get_through(
    lines: list[bytes], drop: list[bytes], *, sap_fields: bool
) -> None:
    """No option, case or punctuation changes that."""
    kept = FieldRules(drop=frozenset(map(bytes.lower, drop)), sap_fields=sap_fields).select(fields(lines))
    names = {line.partition(b":")[0].lower() for line in kept}

    assert {re.sub(rb"[^a-z0-9]", b"", name) for name in names}.isdisjoint(
        {b"authorization", b"proxyauthorization", b"contentlength", b"transferencoding", b"host", b"cookie"}
    )
    assert names.isdisjoint({b"mysapsso2", b"sap-r3auth", *map(bytes.lower, drop)})


@given(
    lines=st.lists(LINE.filter(lambda line: line[:2] in (b"X-", b"x-", b"SA", b"sa", b"Ca", b"ca")), max_size=8),
    connection=CONNECTION,
    drop=st.lists(OWN, max_size=2),
    sap_fields=st.booleans(),
)
def test_all_others_keep_order_case_repetition_and_white_space(
    lines: list[bytes], connection: bytes, drop: list[bytes], *, sap_fields: bool
) -> None:
    """Unless they are dropped or named by Connection."""
    octets = b"\r\n".join([b"GET / HTTP/1.1", b"Host: h", *lines, connection, *lines, b"", b""])
    read = REQUESTS.read(octets, 100).fields
    dropped = {name.lower() for name in (*drop, *connection[12:].split(b", "))} - {b"content-type"}

    kept = FieldRules(drop=frozenset(map(bytes.lower, drop)), sap_fields=sap_fields).select(read)

    assert kept == [
        line
        for line in [*lines, *lines]
        for name in [line.partition(b":")[0].lower()]
        if name not in dropped and request_passes(name, sap_fields=sap_fields)
    ]


@given(lines=st.lists(LINE, max_size=8))
def test_filtering_is_idempotent(lines: list[bytes]) -> None:
    """A second proxy changes nothing more."""
    once = FieldRules().select(fields(lines))

    assert FieldRules().select(fields(once)) == once


@cases(
    "name",
    *b"Content-Type CONTENT-ENCODING Content-Disposition Accept Accept-Language X-CSRF-Token X-Request-ID"
    b" X-CorrelationID SOAPAction SAP_ApplicationID SapMessageIdEx sap-client Origin Sec-Fetch-Site Via If-Match"
    b" Cache-Control User-Agent Date Location Retry-After ETag".split(),
)
def test_connection_takes_away_no_field_that_is_for_the_last_reader(name: bytes) -> None:
    """RFC 9110 §7.6.1 forbids it."""
    lines = [b"Connection: close, X-Hop, " + name.lower(), name + b": 1", b"X-Hop: 2"]
    request = REQUESTS.read(b"\r\n".join([b"GET / HTTP/1.1", b"Host: h", *lines, b"", b""]), 100)
    response = RESPONSES.read(b"\r\n".join([b"HTTP/1.1 200 OK", *lines, b"", b""]))

    assert FieldRules(sap_fields=True).select(request.fields) == [name + b": 1"]
    assert end_to_end(response.fields) == [name + b": 1"]


def test_a_route_remembers_names_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """New and long names are still judged."""
    monkeypatch.setattr(field_rules, "MOST", 3)
    rules = FieldRules(drop=frozenset({b"x-9"}))
    names = [b"x-%d" % number for number in range(10)]
    long = b"x" * 100

    for _ in range(2):
        assert [passes(name, rules) for name in names] == [True] * 9 + [False]
    assert passes(long, FieldRules(drop=frozenset({b"x-9"})))
    assert not passes(long, FieldRules(drop=frozenset({long})))
    assert len(rules._known) == 3


def test_rules_show_how_many_names_they_drop() -> None:
    """There may be many."""
    assert repr(FieldRules(drop=frozenset({b"a", b"b"}))) == "<FieldRules, 2 dropped>"
