"""What is told of routes and messages."""

from proxy.admin.outbox.documents import details_document, message_document, route_document, status_document
from proxy.outbox.message import HistoryEntry, MessageDetails, MessageState, MessageSummary, RouteSummary

ROUTE = RouteSummary(route="orders", waiting=1, delivering=2, dead=3, held=True, oldest_at=1_800_000_000.9, bytes=4)
SUMMARY = MessageSummary(
    id="m1",
    route="orders",
    state=MessageState.WAITING,
    code="",
    attempts=1,
    accepted_at=0.0,
    next_at=60.0,
    bytes=9,
    seq=1,
)


def test_a_route_is_shown_as_numbers() -> None:
    """With the time of its oldest message."""
    shown = {
        "route": "orders",
        "waiting": 1,
        "delivering": 2,
        "dead": 3,
        "held": True,
        "oldest_at": "2027-01-15T08:00:00Z",
        "bytes": 4,
    }
    assert route_document(ROUTE) == shown
    assert status_document([ROUTE]) == {"available": True, "routes": [shown]}


def test_a_store_that_does_not_answer_has_no_numbers() -> None:
    """That is not zero."""
    assert status_document(None) == {"available": False, "routes": []}
    assert status_document(()) == {"available": True, "routes": []}


def test_what_is_not_known_is_null() -> None:
    """As a waiting message's code, a dead one's time."""
    assert message_document(SUMMARY) == {
        "id": "m1",
        "route": "orders",
        "state": "waiting",
        "code": None,
        "attempts": 1,
        "accepted_at": "1970-01-01T00:00:00Z",
        "next_at": "1970-01-01T00:01:00Z",
        "bytes": 9,
    }


def test_details_hide_what_may_be_a_credential() -> None:
    """Octets outside ASCII stay."""
    details = MessageDetails(
        summary=SUMMARY,
        method="POST",
        target=b"/7?a=1&api_key=s3cr3t?x",
        fields=(b"Content-Type: text/plain", b"X-Api-Key: s3cr3t", b"X-Name:M\xfcller"),
        sender_id=b"id-1",
        expires_at=9.0,
        history=(HistoryEntry(at=0.0), HistoryEntry(at=1.0, status=500, code="c", diagnosis="d", mpl_id="m")),
    )
    assert details_document(details) == message_document(SUMMARY) | {
        "method": "POST",
        "target": "/7?a=1&api_key=***",
        "fields": [["Content-Type", "text/plain"], ["X-Api-Key", "***"], ["X-Name", "Müller"]],
        "message_id": "id-1",
        "history": [
            {"at": "1970-01-01T00:00:00Z", "status": None, "code": None, "diagnosis": None, "mpl_id": None},
            {"at": "1970-01-01T00:00:01Z", "status": 500, "code": "c", "diagnosis": "d", "mpl_id": "m"},
        ],
    }
