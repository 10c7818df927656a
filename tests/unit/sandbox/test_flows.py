"""Integration flows."""

import re

from hypothesis import given
from hypothesis import strategies as st

from proxy.sandbox.flows import FLOWS, Echoed, Filler, FlowFailure, Received, Reply, filler, find_flow, make_mpl_id
from tests.cases import cases, grouped_cases


def run(path: str, *, query: str = "", start: bytes = b"") -> Reply | FlowFailure:
    """Of the flow with this path."""
    flow = find_flow(path)
    assert flow is not None
    return flow.run(Received(query=query, content_type="text/xml", start=start))


@grouped_cases(
    "address, path",
    ("/orders", ["/http/orders", "/HTTP/Orders", "/http/orders/", "/http/%6Frders"]),
    ("/echo/*", ["/http/echo", "/http/echo/a/B"]),
    (None, ["/http/orders/x", "/http/echoes", "/cxf/orders", "/orders", "/"]),
)
def test_a_path_leads_to_its_flow(path: str, address: str | None) -> None:
    """In any case; `/*` is all below."""
    flow = find_flow(path)
    assert (flow and flow.address) == address


def test_only_the_orders_flow_has_csrf_protection() -> None:
    """SAP's example has it, too."""
    assert [flow.address for flow in FLOWS if flow.csrf] == ["/orders"]


@cases(
    "target, start, reply",
    ("/http/orders", b'{"productIdentifier":"HT-2004"}', Reply(body=b'{"Products": ""}')),
    ("/http/orders", b"", Reply(body=b"", content_type="text/plain")),
    ("/http/download?bytes=70000", b"", Reply(body=Filler(size=70000), content_type="application/octet-stream")),
    ("/http/download", b"", Reply(body=Filler(size=0), content_type="application/octet-stream")),
    ("/http/fail?reason=no+stock", b"", FlowFailure(reason="no stock")),
    ("/http/fail", b"", FlowFailure()),
)
def test_a_flow_replies(target: str, start: bytes, reply: Reply | FlowFailure) -> None:
    """Also to unknown products and no message."""
    path, _, query = target.partition("?")
    assert run(path, query=query, start=start) == reply


@cases("body", b"x", b"[]", b"{}", b"1", b"\xff")
def test_the_orders_flow_fails_on_another_body(body: bytes) -> None:
    """In its converter."""
    assert isinstance(run("/http/orders", start=body), FlowFailure)


@cases("size", "x", "-1", "²", "9" * 20)
def test_download_fails_on_an_invalid_number(size: str) -> None:
    """By an exception."""
    assert isinstance(run("/http/download", query=f"bytes={size}"), FlowFailure)


@cases("path", "/http/invoices", "/http/echo")
def test_invoices_and_echo_return_the_message(path: str) -> None:
    """With its content type."""
    reply = run(path)
    assert isinstance(reply, Reply)
    assert isinstance(reply.body, Echoed)
    assert reply.content_type == "text/xml"


@given(st.integers(0, 200_000))
def test_filler_has_the_requested_length(size: int) -> None:
    """Byte n is n modulo 256."""
    content = b"".join(filler(size))
    assert len(content) == size
    assert content[-1:] == bytes([(size - 1) % 256])[: bool(size)]


def test_an_mpl_id_has_28_characters_and_begins_with_ag() -> None:
    """All differ."""
    assert re.fullmatch(r"AG[A-Za-z0-9_-]{26}", make_mpl_id())
    assert make_mpl_id() != make_mpl_id()
