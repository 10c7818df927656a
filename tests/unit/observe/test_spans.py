"""A span's name, attributes and trace context."""

from proxy.errors import GrantUnavailable, RouteUnknown
from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.spans import TraceContext, beginning, ending, failed, span_name, trace_lines
from tests.cases import cases, grouped_cases

PARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
FAILURE = {
    "replays": ("renew_token", "fetch_csrf"),
    "diagnosis": "flow_failed: look there",
    "status": 500,
    "mpl_id": "mpl",
    "correlation_id": "corr",
}


def delivered(**more: object) -> ExchangeRecord:
    """The upstream answered."""
    record = ExchangeRecord("id-1", "POST", b"/orders/new?key=secret", now=iter(range(100)).__next__)
    record.sender, record.upstream = "192.0.2.7", "https://cpi.example/http/orders"
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


@cases(
    "method, minor, secure, attributes",
    ("POST", 0, True, {"http.request.method": "POST", "url.scheme": "https", "network.protocol.version": "1.0"}),
    (
        "BREW",
        1,
        False,
        {
            "http.request.method": "_OTHER",
            "http.request.method_original": "BREW",
            "url.scheme": "http",
            "network.protocol.version": "1.1",
        },
    ),
)
def test_a_span_begins_with_the_head(method: str, minor: int, secure: bool, attributes: dict[str, str]) -> None:
    """Unknown methods are `_OTHER`."""
    record = ExchangeRecord("id-1", method, b"/orders/new?key=secret")
    always = {"url.path": "/orders/new", "cpi_proxy.request_id": "id-1"}
    assert beginning(record, minor=minor, secure=secure) == attributes | always


def test_a_span_ends_with_the_record() -> None:
    """A failed flow's `error.type` is its status."""
    assert ending(delivered(**FAILURE)) == {
        "http.response.status_code": 500,
        "http.request.body.size": 10,
        "http.response.body.size": 20,
        "cpi_proxy.made_by": "upstream",
        "cpi_proxy.attempts": 1,
        "cpi_proxy.token_seconds": 1,
        "cpi_proxy.connect_seconds": 1,
        "cpi_proxy.first_byte_seconds": 1,
        "cpi_proxy.relay_seconds": 1,
        "client.address": "192.0.2.7",
        "cpi_proxy.upstream": "https://cpi.example/http/orders",
        "cpi_proxy.route": "orders",
        "cpi_proxy.oauth_client": "neo",
        "cpi_proxy.token": "granted",
        "cpi_proxy.replays": "renew_token,fetch_csrf",
        "cpi_proxy.mpl_id": "mpl",
        "cpi_proxy.correlation_id": "corr",
        "cpi_proxy.diagnosis": "flow_failed: look there",
        "error.type": "500",
    }


def test_a_refusal_has_our_code_and_no_empty_attributes() -> None:
    """Without a route: neither client nor token."""
    record = ExchangeRecord("id-1", "GET", b"/nowhere")
    record.failed(RouteUnknown("No route."))
    attributes = {name: value for name, value in ending(record).items() if value != 0}
    assert attributes == {"http.response.status_code": 404, "cpi_proxy.made_by": "proxy", "error.type": "route_unknown"}


@cases(
    "method, route, name",
    ("POST", "orders", "POST orders"),
    ("GET", "", "GET"),
    ("BREW", "", "HTTP"),
    ("BREW", "orders", "HTTP orders"),
)
def test_a_span_is_named_by_method_and_route(method: str, route: str, name: str) -> None:
    """Senders add no words."""
    record = ExchangeRecord("id-1", method, b"/orders")
    record.route = route
    assert span_name(record) == name


def test_only_5xx_are_errors() -> None:
    """4xx are the sender's."""
    refused, unavailable, left = (ExchangeRecord("id-1", "GET") for _ in range(3))
    refused.failed(RouteUnknown("No route."))
    unavailable.failed(GrantUnavailable("Later."))
    left.left()
    assert [each.status for each in (delivered(), refused, left, unavailable) if failed(each)] == [503]


@grouped_cases(
    "context, fields",
    (TraceContext(), [(), ((b"tracestate", b"a=1"),), ((b"traceparent", PARENT), (b"traceparent", PARENT))]),
    (TraceContext(PARENT), [((b"TraceParent", PARENT), (b"X-Other-Nm", b"1"))]),
    (
        TraceContext(PARENT, (b"a=1", b"b=2")),
        [((b"tracestate", b"a=1"), (b"traceparent", PARENT), (b"Tracestate", b"b=2"))],
    ),
)
def test_one_traceparent_makes_a_context(fields: tuple[tuple[bytes, bytes], ...], context: TraceContext) -> None:
    """Not two, nor a state alone (W3C)."""
    assert TraceContext.of(fields) == context


@cases("state", ("a=1", "b=2"), ())
def test_propagators_get_the_whole_state(state: tuple[str, ...]) -> None:
    """A list of all lines."""
    carrier = {"traceparent": [PARENT.decode()], **({"tracestate": list(state)} if state else {})}
    assert TraceContext(PARENT, tuple(each.encode() for each in state)).carrier == carrier


def test_the_lines_for_the_upstream_name_our_span() -> None:
    """With the state as it came."""
    assert trace_lines(0xAB, 0xCD, 1, (b"a=1", b" b=\xff")) == (
        b"traceparent: 00-%032x-%016x-01" % (0xAB, 0xCD),
        b"tracestate: a=1",
        b"tracestate:  b=\xff",
    )
