"""Ids with which a message is found in the tenant's monitor."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.cpi.mpl import ids_in_fields, mpl_id_in_failure
from tests.cases import cases
from tests.fakes.heads import response_head

ID = "AGabcdefghijklmnopqrst_-12"


@cases(
    "text",
    f"An internal server error occured: The MPL ID for the failed message is : {ID}",
    f"x\nMPL ID for the failed message is: {ID}\nFor more details",
    f"<p>The MPL ID for the failed message is = {ID}</p>",
)
def test_the_id_is_in_the_text_of_a_failure(text: str) -> None:
    """White space and the separator vary."""
    assert mpl_id_in_failure(text.encode()) == ID


@cases(
    "text",
    b"",
    b"Internal Server Error",
    b"MPL ID for the failed message is : ",
    b"MPL ID for the failed message is : short",
    b"The MPL ID is : AGabcdefghijklmnopqrstuv",
    b"\xff\xfe",
)
def test_a_text_without_id_has_none(text: bytes) -> None:
    """Another text is not taken for an id."""
    assert mpl_id_in_failure(text) == ""


@given(st.binary(max_size=60))
def test_an_id_is_harmless_whatever_the_text(text: bytes) -> None:
    """It goes into a log line."""
    found = mpl_id_in_failure(b"MPL ID for the failed message is : " + text)
    assert found == "" or (20 <= len(found) <= 64 and found.replace("-", "").replace("_", "").isalnum())


@cases(
    "fields, ids",
    {
        "none": ((), ("", "")),
        "the MPL id": (((b"SAP_MessageProcessingLogID", b"AG1"),), ("AG1", "")),
        "without case": (((b"sap_messageprocessinglogid", b"AG1"),), ("AG1", "")),
        "the first choice": (((b"X-CorrelationID", b"c"), (b"SAP_MplCorrelationId", b"d")), ("", "c")),
        "in any order": (((b"SAP_MplCorrelationId", b"d"), (b"x-correlationid", b"c")), ("", "c")),
        "the second choice": (((b"SAP_MplCorrelationId", b"d"),), ("", "d")),
        "names as long": (((b"X" * 26, b"1"), (b"X" * 15, b"2"), (b"X" * 20, b"3"), (b"X", b"4")), ("", "")),
        "bytes beyond ASCII": (((b"x-correlationid", b"\xe4"),), ("", "ä")),
    },
)
def test_ids_are_in_fields(fields: tuple[tuple[bytes, bytes], ...], ids: tuple[str, str]) -> None:
    """`x-correlationid` wins over `sap_mplcorrelationid`."""
    assert ids_in_fields(response_head(b"HTTP/1.1 200 OK", *fields).fields) == ids
