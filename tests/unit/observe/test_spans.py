"""What a span says, by values alone."""

import pytest

from proxy.errors import GrantUnavailable, RouteUnknown
from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.spans import TraceContext, beginning, ending, failed, span_name, trace_lines

PARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def delivered(**more: object) -> ExchangeRecord:
    """The account of a message that CPI took."""
    record = ExchangeRecord("id-1", "POST", b"/orders/new?key=secret", now=iter(range(100)).__next__)
    record.routed("orders", "neo")
    record.begin_token()
    record.end_token()
    record.begin_connection()
    record.end_connection()
    record.have_token(renewed=False)
    record.attempts = 1
    record.answered()
    record.relayed(200)
    record.bytes_in, record.bytes_out = 10, 20
    for name, value in more.items():
        setattr(record, name, value)
    record.end()
    return record


def test_a_span_begins_with_what_the_head_says() -> None:
    """The path without its query."""
    record = ExchangeRecord("id-1", "POST", b"/orders/new?key=secret")
    assert beginning(record, minor=0, secure=True) == {
        "http.request.method": "POST",
        "url.scheme": "https",
        "url.path": "/orders/new",
        "network.protocol.version": "1.0",
        "cpi_proxy.request_id": "id-1",
    }
    assert beginning(record, minor=1, secure=False)["url.scheme"] == "http"


def test_a_method_that_a_sender_made_up_makes_no_name() -> None:
    """It stands beside `_OTHER`, as the conventions have it."""
    record = ExchangeRecord("id-1", "BREW", b"/orders")
    told = beginning(record, minor=1, secure=False)
    assert (told["http.request.method"], told["http.request.method_original"]) == ("_OTHER", "BREW")
    assert span_name(record) == "HTTP"
    record.routed("orders", "neo")
    assert span_name(record) == "HTTP orders"


def test_a_span_ends_with_the_account() -> None:
    """All of it that a delivered message has."""
    assert span_name(delivered()) == "POST orders"
    assert ending(delivered(mpl_id="mpl", correlation_id="corr")) == {
        "http.response.status_code": 200,
        "http.request.body.size": 10,
        "http.response.body.size": 20,
        "cpi_proxy.made_by": "upstream",
        "cpi_proxy.attempts": 1,
        "cpi_proxy.token_seconds": 1,
        "cpi_proxy.connect_seconds": 1,
        "cpi_proxy.first_byte_seconds": 1,
        "cpi_proxy.relay_seconds": 1,
        "cpi_proxy.route": "orders",
        "cpi_proxy.oauth_client": "neo",
        "cpi_proxy.token": "granted",
        "cpi_proxy.mpl_id": "mpl",
        "cpi_proxy.correlation_id": "corr",
    }


def test_what_was_sent_again_and_why_it_failed_is_said() -> None:
    """A failure of CPI's has its status as the error's type."""
    said = ending(delivered(replays=("renew_token", "fetch_csrf"), diagnosis="flow_failed: look there", status=500))
    assert said["cpi_proxy.replays"] == "renew_token,fetch_csrf"
    assert said["cpi_proxy.diagnosis"] == "flow_failed: look there"
    assert said["error.type"] == "500"


def test_a_refusal_has_our_code_and_no_more_than_there_is() -> None:
    """No route, no OAuth client, no token."""
    record = ExchangeRecord("id-1", "GET", b"/nowhere")
    record.failed(RouteUnknown("No route."))
    said = ending(record)
    assert (said["error.type"], said["http.response.status_code"], said["cpi_proxy.made_by"]) == (
        "route_unknown",
        404,
        "proxy",
    )
    assert said.keys().isdisjoint({"cpi_proxy.route", "cpi_proxy.oauth_client", "cpi_proxy.token", "cpi_proxy.mpl_id"})
    assert span_name(record) == "GET"


def test_only_5xx_are_errors() -> None:
    """What the sender did wrong is none of the proxy's."""
    refused, unavailable, left = (ExchangeRecord("id-1", "GET") for _ in range(3))
    refused.failed(RouteUnknown("No route."))
    unavailable.failed(GrantUnavailable("Later."))
    left.left()
    assert [failed(each) for each in (delivered(), refused, left, unavailable)] == [False, False, False, True]


@pytest.mark.parametrize(
    ("fields", "context"),
    [
        ((), TraceContext()),
        (((b"TraceParent", PARENT), (b"X-Other-Nm", b"1")), TraceContext(PARENT)),
        (
            ((b"tracestate", b"a=1"), (b"traceparent", PARENT), (b"Tracestate", b"b=2")),
            TraceContext(PARENT, (b"a=1", b"b=2")),
        ),
        (((b"tracestate", b"a=1"),), TraceContext()),
        (((b"traceparent", PARENT), (b"traceparent", PARENT)), TraceContext()),
    ],
)
def test_a_senders_span_is_told_by_one_traceparent(
    fields: tuple[tuple[bytes, bytes], ...], context: TraceContext
) -> None:
    """Two of them tell of none, and a state alone of nothing (W3C Trace Context)."""
    assert TraceContext.of(fields) == context


def test_propagators_get_all_of_the_state() -> None:
    """Line by line."""
    assert TraceContext(PARENT, (b"a=1", b"b=2")).carrier == {
        "traceparent": [PARENT.decode()],
        "tracestate": ["a=1", "b=2"],
    }
    assert TraceContext(PARENT).carrier == {"traceparent": [PARENT.decode()]}


def test_the_lines_for_the_upstream_name_our_span() -> None:
    """And repeat the state octet by octet."""
    assert trace_lines(1, 2, 1, ()) == (b"traceparent: 00-%032d-%016d-01" % (1, 2),)
    assert trace_lines(0xAB, 0xCD, 0, (b"a=1", b" b=\xff"))[1:] == (b"tracestate: a=1", b"tracestate:  b=\xff")
