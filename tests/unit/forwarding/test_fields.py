"""Which fields go on."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.forwarding import fields as field_rules
from proxy.forwarding.fields import FieldRules, end_to_end, request_names, request_passes, response_names
from proxy.wire.field_names import FieldNames
from proxy.wire.grammar import Fields, RequestReader, ResponseReader

REQUESTS, RESPONSES = RequestReader(request_names()), ResponseReader(response_names())
FORBIDDEN = [
    b"Authorization",
    b"Proxy-Authorization",
    b"Content-Length",
    b"Transfer-Encoding",
    b"Host",
    b"Connection",
    b"Keep-Alive",
    b"Proxy-Connection",
    b"Proxy-Authenticate",
    b"TE",
    b"Trailer",
    b"Upgrade",
    b"Expect",
    b"Cookie",
    b"Cookie2",
    b"MYSAPSSO2",
    b"SAP-R3AUTH",
    b"Forwarded",
    b"X-Forwarded-For",
    b"X-Forwarded-Anything",
    b"SAP_MessageProcessingLogID",
    b"CamelHttpUri",
]
LOOK_ALIKES = [
    b"Content_Length",
    b"content-length-",
    b"Transfer.Encoding",
    b"TransferEncoding",
    b"Host_",
    b"_Authorization",
    b"Proxy_Authorization",
    b"X_Forwarded_For",
    b"X-Forwarded_Host",
    b"X_Forwarded-Proto",
    b"XForwardedFor",
    b"X.Forwarded.For",
    b"X-ForwardedFor",
    b"Forwarded_",
    b"For_warded",
    b"_Cookie",
    b"Cookie.",
    b"Cookie_2",
    b"Content_Type",
    b"ContentType",
]
FREE = [b"Content-Type", b"SOAPAction", b"SapMessageIdEx", b"X-My_Field", b"SAP_ApplicationID", b"sap_sender", b"Via"]
FREE += [b"X-Host", b"Hosts", b"My-Authorization", b"Content-Lengths", b"X-CSRF-Token", b"traceparent", b"Origin"]
CASED = st.sampled_from([bytes.lower, bytes.upper, lambda name: name])
NAMES = st.builds(lambda name, case: case(name), st.sampled_from([*FORBIDDEN, *LOOK_ALIKES, *FREE]), CASED)
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
    """Whether a request's line of that name goes on."""
    return rules.select(fields([name + b": 1"], names)) == [name + b": 1"]


def fields(lines: list[bytes], names: FieldNames | None = None) -> Fields:
    """As they are read, but for two of what may come once, which no request has."""
    table = names or request_names()
    kinds = [(line, table.kind(line.partition(b":")[0])) for line in lines]
    noted = {kind.name: line.partition(b":")[2] for line, kind in kinds if kind and kind.noted}
    return Fields(lines, [line for line, kind in kinds if kind and kind.passes], noted, table)


@pytest.mark.parametrize("case", [bytes.lower, bytes.upper, bytes])
@pytest.mark.parametrize("name", [*FORBIDDEN, *LOOK_ALIKES])
def test_a_request_field_that_is_ours_or_dangerous_is_dropped(name: bytes, case: type[bytes]) -> None:
    """Hop-by-hop, credential, framing, forwarding and Camel fields, and what careless servers take for such."""
    assert not passes(case(name), FieldRules())
    assert not passes(case(name), FieldRules(drop=frozenset({b"x"})))


@pytest.mark.parametrize("name", FREE)
def test_any_other_request_field_passes(name: bytes) -> None:
    """Underscores included: SAP's names have them."""
    assert passes(name, FieldRules())
    assert passes(name, FieldRules(drop=frozenset({b"x"})))


def test_a_route_may_drop_more_and_let_sap_fields_go_on() -> None:
    """`drop_fields`, `set_fields` and `forward_sap_fields`; nothing else goes on for that."""
    rules = FieldRules(drop=frozenset({b"x-secret", b"sap_other"}), sap_fields=True)
    names = (b"X-Secret", b"SAP_Anything", b"CamelFileName", b"SAP_Other", b"Authorization", b"X-A", b"SAP-R3AUTH")

    for _ in range(2):
        assert [passes(name, rules) for name in names] == [False, True, True, False, False, True, False]


@pytest.mark.parametrize(
    ("name", "goes_on"),
    [
        (b"Content-Type", True),
        (b"sap_messageprocessinglogid", True),
        (b"Authorization", True),
        (b"Content-Length", False),
        (b"WWW-Authenticate", False),
        (b"Proxy-Authenticate", False),
        (b"Connection", False),
        (b"Keep-Alive", False),
        (b"Proxy-Status", False),
        (b"PROXY_STATUS", False),
        (b"set-Cookie", False),
    ],
)
def test_a_response_field_passes_unless_it_belongs_to_the_hop_or_to_our_token(name: bytes, *, goes_on: bool) -> None:
    """The challenge for our token is not the sender's; cookies are rewritten; Proxy-Status is for proxies to say."""
    read = RESPONSES.read(b"HTTP/1.1 200 OK\r\n%b: 1\r\n\r\n" % name).fields

    assert end_to_end(read) == ([name + b": 1"] if goes_on else [])


@given(lines=st.lists(LINE, max_size=8), drop=st.lists(OWN, max_size=2), sap_fields=st.booleans())
def test_nobodys_credentials_and_framing_get_through(
    lines: list[bytes], drop: list[bytes], *, sap_fields: bool
) -> None:
    """Nor anything that differs from them in case or punctuation only, whatever the route says."""
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
    """What passes is exactly what is neither dropped nor named by Connection, octet by octet."""
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
    """A second proxy of ours changes nothing more."""
    once = FieldRules().select(fields(lines))

    assert FieldRules().select(fields(once)) == once


@pytest.mark.parametrize(
    "name",
    [
        b"Content-Type",
        b"CONTENT-ENCODING",
        b"Content-Disposition",
        b"Accept",
        b"Accept-Language",
        b"X-CSRF-Token",
        b"X-Request-ID",
        b"X-CorrelationID",
        b"SOAPAction",
        b"SAP_ApplicationID",
        b"SapMessageIdEx",
        b"sap-client",
        b"Origin",
        b"Sec-Fetch-Site",
        b"Via",
        b"If-Match",
        b"Cache-Control",
        b"User-Agent",
        b"Date",
        b"Location",
        b"Retry-After",
        b"ETag",
    ],
)
def test_connection_takes_away_no_field_that_is_for_the_last_reader(name: bytes) -> None:
    """What was looked at here, and what a message means, goes on (RFC 9110 §7.6.1)."""
    lines = [b"Connection: close, X-Hop, " + name.lower(), name + b": 1", b"X-Hop: 2"]
    request = REQUESTS.read(b"\r\n".join([b"GET / HTTP/1.1", b"Host: h", *lines, b"", b""]), 100)
    response = RESPONSES.read(b"\r\n".join([b"HTTP/1.1 200 OK", *lines, b"", b""]))

    assert FieldRules(sap_fields=True).select(request.fields) == [name + b": 1"]
    assert end_to_end(response.fields) == [name + b": 1"]


def test_a_route_remembers_names_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ever new names, and long ones, change no decision."""
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
    """Names of `set_fields` are no secret, but there may be many."""
    assert repr(FieldRules(drop=frozenset({b"a", b"b"}))) == "<FieldRules, 2 dropped>"
