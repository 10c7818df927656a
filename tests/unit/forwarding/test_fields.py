"""Which fields go on."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.forwarding import fields
from proxy.forwarding.fields import (
    Kind,
    RequestRules,
    ResponseRules,
    looks_like_framing,
    named_in_connection,
    remember,
    select,
    value_of,
    values_of,
)

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
    b"MYSAPSSO2",
    b"SAP-R3AUTH",
    b"Forwarded",
    b"X-Forwarded-For",
    b"X-Forwarded-Anything",
    b"Cookie2",
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
CASED = st.sampled_from([bytes.lower, bytes.upper, lambda name: name])
NAMES = st.builds(lambda name, case: case(name), st.sampled_from([*FORBIDDEN, *LOOK_ALIKES, *FREE, b"Cookie"]), CASED)
OWN = st.from_regex(rb"[Xx]-[A-Za-z0-9_]{1,8}", fullmatch=True)
FIELD = st.tuples(NAMES | OWN, st.from_regex(rb"[!-~]([ -~]{0,10}[!-~])?", fullmatch=True))


def line_name(line: bytes) -> bytes:
    """The name in a line."""
    return line.split(b":", 1)[0]


@pytest.mark.parametrize("case", [bytes.lower, bytes.upper, bytes])
@pytest.mark.parametrize("name", [*FORBIDDEN, *LOOK_ALIKES])
def test_a_request_field_that_is_ours_or_dangerous_is_dropped(name: bytes, case: type[bytes]) -> None:
    """Hop-by-hop, credential, framing, forwarding and Camel fields, and what careless servers take for such."""
    assert RequestRules().kind(case(name)) is Kind.DROP


@pytest.mark.parametrize("name", FREE)
def test_any_other_request_field_passes(name: bytes) -> None:
    """Underscores included: SAP's names have them."""
    assert RequestRules().kind(name) is Kind.PASS


def test_cookies_are_set_apart() -> None:
    """In both directions."""
    assert RequestRules().kind(b"COOKIE") is Kind.COOKIE
    assert ResponseRules().kind(b"set-Cookie") is Kind.COOKIE


def test_a_route_may_drop_more_and_let_sap_fields_go_on() -> None:
    """`drop_fields`, `set_fields` and `forward_sap_fields`."""
    rules = RequestRules(drop=frozenset({b"x-secret"}), sap_fields=True)
    kinds = [rules.kind(name) for name in (b"X-Secret", b"SAP_Anything", b"CamelFileName")]

    assert kinds == [Kind.DROP, Kind.PASS, Kind.PASS]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (b"Content-Type", Kind.PASS),
        (b"sap_messageprocessinglogid", Kind.PASS),
        (b"Authorization", Kind.PASS),
        (b"Content-Length", Kind.DROP),
        (b"TRANSFER-ENCODING", Kind.DROP),
        (b"WWW-Authenticate", Kind.DROP),
        (b"Proxy-Authenticate", Kind.DROP),
        (b"Proxy-Status", Kind.DROP),
        (b"PROXY_STATUS", Kind.DROP),
        (b"Connection", Kind.DROP),
        (b"Keep-Alive", Kind.DROP),
        (b"bad name", Kind.DROP),
        (b"b\xe4d", Kind.DROP),
        (b"", Kind.DROP),
    ],
)
def test_a_response_field_passes_unless_it_belongs_to_the_hop_or_to_our_token(name: bytes, kind: Kind) -> None:
    """The challenge for our token is not the sender's."""
    assert ResponseRules().kind(name) is kind


@given(st.lists(FIELD, max_size=8))
def test_nobodys_credentials_and_framing_get_through(pairs: list[tuple[bytes, bytes]]) -> None:
    """Nor anything that differs from them in case or punctuation only."""
    lines, _ = select(pairs, RequestRules())
    letters = {re.sub(rb"[^a-z0-9]", b"", line_name(line).lower()) for line in lines}

    assert letters.isdisjoint(
        {b"authorization", b"proxyauthorization", b"contentlength", b"transferencoding", b"host", b"cookie"}
    )
    assert not {b"mysapsso2", b"sap-r3auth"} & {line_name(line).lower() for line in lines}


@given(st.lists(FIELD, max_size=8), st.lists(OWN, max_size=2))
def test_all_others_keep_order_case_and_repetition(pairs: list[tuple[bytes, bytes]], named: list[bytes]) -> None:
    """What passes is exactly what is neither dropped nor a cookie nor named by Connection, as it came."""
    pairs = [*pairs, *((b"connection", b"close, " + name) for name in named)]
    rules = RequestRules()
    hop = {name.lower() for name in named} | named_in_connection(pairs)
    expected = [
        name + b": " + value for name, value in pairs if rules.kind(name) is Kind.PASS and name.lower() not in hop
    ]

    assert select(pairs, rules) == (expected, [value for name, value in pairs if name.lower() == b"cookie"])


@pytest.mark.parametrize("rules", [RequestRules(), ResponseRules()], ids=["of requests", "of responses"])
@given(pairs=st.lists(FIELD, max_size=8))
def test_filtering_is_idempotent(rules: RequestRules | ResponseRules, pairs: list[tuple[bytes, bytes]]) -> None:
    """A second proxy of ours changes nothing more."""
    lines, _ = select(pairs, rules)
    again = [(name, value) for name, _, value in (line.partition(b": ") for line in lines)]

    assert select(again, rules) == (lines, [])


@pytest.mark.parametrize(
    ("pairs", "named"),
    [
        pytest.param([], set(), id="no Connection"),
        pytest.param([(b"Connection", b"close"), (b"X", b"y")], set(), id="close is no name"),
        pytest.param([(b"Connection", b"Keep-Alive, X-A")], {b"x-a"}, id="names have no case"),
        pytest.param([(b"Connection", b" X-A ,\tX-B")], {b"x-a", b"x-b"}, id="white space does not count"),
        pytest.param([(b"CONNECTION", b"X-A"), (b"connection", b"X-B")], {b"x-a", b"x-b"}, id="every line counts"),
        pytest.param(
            [(b"Connection", b"close, Content-Type, X-A")], {b"x-a"}, id="what is not of the hop is not named"
        ),
        pytest.param([(b"Connection", b",,")], set(), id="empty elements name nothing (RFC 9110 §5.6.1)"),
        pytest.param([(b"Connections", b"X-A"), (b"X-Connectio", b"X-B")], set(), id="other names mean nothing"),
    ],
)
def test_connection_names_fields_of_the_hop(pairs: list[tuple[bytes, bytes]], named: set[bytes]) -> None:
    """RFC 9110 §7.6.1."""
    assert named_in_connection(pairs) == named


def test_what_connection_names_is_dropped_but_for_cookies() -> None:
    """A sender cannot make us keep what is ours to rewrite."""
    pairs = [(b"Connection", b"x-hop, cookie"), (b"X-Hop", b"1"), (b"X-End", b"2"), (b"Cookie", b"a=b")]

    assert select(pairs, RequestRules()) == ([b"X-End: 2"], [b"a=b"])


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
@pytest.mark.parametrize("rules", [RequestRules(sap_fields=True), ResponseRules()], ids=["of requests", "of responses"])
def test_connection_takes_away_no_field_that_is_for_the_last_reader(
    name: bytes, rules: RequestRules | ResponseRules
) -> None:
    """What was looked at here, and what a message means, goes on (RFC 9110 §7.6.1)."""
    pairs = [(b"Connection", b"close, X-Hop, " + name.lower()), (name, b"1"), (b"X-Hop", b"2")]

    assert select(pairs, rules) == ([name + b": 1"], [])


@pytest.mark.parametrize(
    "name", [b"content-length", b"contentlength", b"content_length", b"h.o.s.t", b"~authorization"]
)
def test_punctuation_hides_no_framing_field(name: bytes) -> None:
    """Careless servers drop it too."""
    assert looks_like_framing(name)


@pytest.mark.parametrize("name", [b"content-lengths", b"x-host", b"hosts", b"my-authorization", b"cookie"])
def test_other_letters_make_another_field(name: bytes) -> None:
    """X-Host is somebody's own."""
    assert not looks_like_framing(name)


def test_decisions_are_remembered_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ever new names push out the old ones, and change no decision."""
    monkeypatch.setattr(fields, "_MOST_NAMES", 3)
    known: dict[bytes, Kind] = {}
    for number in range(10):
        remember(known, b"x-%d" % number, Kind.PASS)
        assert len(known) <= 3
    rules = RequestRules()
    assert [ResponseRules().kind(b"Connection")] * 2 == [each.kind(b"Connection") for each in [ResponseRules()] * 2]

    assert [rules.kind(name) for name in [b"A", b"Host", b"B", b"C", b"D", b"Host"]].count(Kind.DROP) == 2


def test_rules_are_told_apart_by_what_they_say_and_not_by_what_they_have_seen() -> None:
    """Memory is no part of their value."""
    used, new = RequestRules(), RequestRules()
    used.kind(b"X")

    assert (used == new, repr(used) == repr(new)) == (True, True)


def test_values_are_found_without_case() -> None:
    """The first, or all, or none."""
    pairs = [(b"X-Aa", b"no"), (b"X-A", b"1"), (b"x-a", b"2"), (b"Y-A", b"3")]

    assert (value_of(pairs, b"x-a"), value_of(pairs, b"x-b")) == (b"1", b"")
    assert (values_of(pairs, b"x-a"), values_of(pairs, b"x-b")) == ([b"1", b"2"], [])
