"""The integration flows."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sandbox.flows import (
    Echoed,
    Filler,
    FlowFailure,
    Received,
    Reply,
    failed,
    filler,
    find_flow,
    make_mpl_id,
    success_fields,
)


def run(path: str, *, query: str = "", start: bytes = b"") -> Reply | FlowFailure:
    """What the flow at a path replies."""
    flow = find_flow(path)
    assert flow is not None
    return flow.run(Received(query=query, content_type="text/xml", start=start))


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/http/orders", "/orders"),
        ("/HTTP/Orders", "/orders"),
        ("/http/orders/", "/orders"),
        ("/http/%6Frders", "/orders"),
        ("/http/echo", "/echo/*"),
        ("/http/echo/a/B", "/echo/*"),
        ("/http/orders/x", None),
        ("/http/echoes", None),
        ("/cxf/orders", None),
        ("/orders", None),
        ("/", None),
    ],
)
def test_a_path_leads_to_its_flow(path: str, address: str | None) -> None:
    """Addresses have no case, `/*` takes what is below, and no other prefix serves them."""
    flow = find_flow(path)
    assert (flow and flow.address) == address


def test_the_orders_flow_alone_is_protected() -> None:
    """As in SAP's example."""
    assert [bool((flow := find_flow(f"/http/{name}")) and flow.csrf) for name in ("orders", "invoices", "echo")] == [
        True,
        False,
        False,
    ]


def test_the_orders_flow_shows_a_product() -> None:
    """The one of SAP's example."""
    reply = run("/http/orders", start=b'{"productIdentifier":"HT-1080"}')
    assert isinstance(reply, Reply)
    assert isinstance(reply.body, bytes)
    assert json.loads(reply.body)["Products"]["Product"]["ProductId"] == "HT-1080"


def test_the_orders_flow_finds_no_unknown_product() -> None:
    """The set of products is empty, and the message was processed."""
    assert run("/http/orders", start=b'{"productIdentifier":"HT-2004"}') == Reply(body=b'{"Products": ""}')


@pytest.mark.parametrize("body", [b"x", b"[]", b"{}", b"1", b"\xff"])
def test_the_orders_flow_fails_on_another_body(body: bytes) -> None:
    """The converter throws an exception."""
    assert isinstance(run("/http/orders", start=body), FlowFailure)


def test_the_orders_flow_takes_an_empty_message() -> None:
    """A GET without a fetch runs it so."""
    assert run("/http/orders") == Reply(body=b"", content_type="text/plain")


def test_invoices_and_echo_send_the_message_back() -> None:
    """With its content type."""
    for path in ("/http/invoices", "/http/echo"):
        reply = run(path)
        assert isinstance(reply, Reply)
        assert (type(reply.body), reply.content_type) == (Echoed, "text/xml")


def test_download_sends_as_many_bytes_as_asked() -> None:
    """None if nothing is asked."""
    assert run("/http/download", query="bytes=70000") == Reply(
        body=Filler(size=70000), content_type="application/octet-stream"
    )
    assert run("/http/download") == Reply(body=Filler(size=0), content_type="application/octet-stream")


@pytest.mark.parametrize("size", ["x", "-1", "²", "9" * 20])
def test_download_fails_on_what_is_no_sensible_number(size: str) -> None:
    """The flow throws."""
    assert isinstance(run("/http/download", query=f"bytes={size}"), FlowFailure)


@given(st.integers(0, 200_000))
def test_filler_is_exactly_as_long_as_asked_and_repeats_all_octets(size: int) -> None:
    """Byte n is n modulo 256."""
    content = b"".join(filler(size))
    assert len(content) == size
    assert content[-1:] == bytes([(size - 1) % 256])[: bool(size)]


def test_a_failed_flow_is_told_in_saps_words() -> None:
    """With SAP's spelling, and the id in the text only."""
    answer = failed(FlowFailure(), mpl_id="AGx")
    assert answer.status == 500
    assert answer.body.decode() == (
        "An internal server error occured: The MPL ID for the failed message is : AGx\n"
        "For more details please check tail log."
    )
    assert "AGx" not in str(answer.fields)


def test_a_flow_may_return_its_exception_to_the_sender() -> None:
    """The reason stands before the id."""
    failure = run("/http/fail", query="reason=no+stock")
    assert failure == FlowFailure(reason="no stock")
    text = "An internal server error occured: no stock\n\nThe MPL ID for the failed message is : AGx"
    assert failed(FlowFailure(reason="no stock"), mpl_id="AGx").body.decode() == text
    assert run("/http/fail") == FlowFailure()


def test_an_mpl_id_is_28_characters_that_begin_with_ag() -> None:
    """Base64url, and another one each time."""
    assert re.fullmatch(r"AG[A-Za-z0-9_-]{26}", make_mpl_id())
    assert make_mpl_id() != make_mpl_id()


def test_success_carries_three_ids_or_one() -> None:
    """Some tenants send x-correlationid alone."""
    names = [name for name, _ in success_fields("AGx", correlation_only=False)]
    assert names[:3] == ["SAP_MessageProcessingLogID", "sap_mplcorrelationid", "x-correlationid"]
    assert next(name for name, _ in success_fields("AGx", correlation_only=True)) == "x-correlationid"
