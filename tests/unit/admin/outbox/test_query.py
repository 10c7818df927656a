"""The query of the messages."""

import pytest

from proxy.admin.outbox.problems import MalformedQuery
from proxy.admin.outbox.query import MessageQuery, parse_query
from proxy.outbox.message import MessageState
from tests.cases import cases

ID = "0199f0e1c5000000aabbccddeeff0011"


@cases(
    "pairs, query",
    ([], MessageQuery()),
    ([("route", ""), ("state", ""), ("limit", ""), ("after", "")], MessageQuery()),
    (
        [("route", "a"), ("state", "dead"), ("limit", "1000"), ("after", ID)],
        MessageQuery(route="a", state=MessageState.DEAD, limit=1000, after=ID),
    ),
    ([("limit", "1")], MessageQuery(limit=1)),
    ([("after", "seq-2")], MessageQuery(after="seq-2")),
)
def test_a_parameter_that_is_missing_or_empty_is_no_condition(
    pairs: list[tuple[str, str]], query: MessageQuery
) -> None:
    """By default a page has 100."""
    assert parse_query(pairs) == query


@cases(
    "pairs, detail",
    ([("stat", "dead")], "There is no parameter stat; the parameters are route, state, limit, after."),
    ([("state", "Dead")], "`state` must be one of waiting, delivering, dead."),
    ([("state", "dead"), ("state", "waiting")], "The parameter state is given twice."),
    *(
        ([("limit", text)], "`limit` must be a number from 1 to 1000.")
        for text in ("0", "1001", "-1", "x", "1.5", "²", "9" * 5000)
    ),
    *(
        ([("after", text)], "`after` must be the `next` of the page before, or a message's id.")
        for text in ("0", "nothing", "seq-", "seq-x", ID.upper(), ID + "0", ID + "\n", " " + ID, "\0", "²" * 32)
    ),
    *(([("route", text)], "`route` must be the name of a route.") for text in ("a\0", "\n", "a\udcff")),
)
def test_what_cannot_be_understood_is_refused(pairs: list[tuple[str, str]], detail: str) -> None:
    """It might discard too much."""
    with pytest.raises(MalformedQuery) as refused:
        parse_query(pairs)
    assert (refused.value.status, refused.value.code, refused.value.detail) == (400, "query_malformed", detail)
