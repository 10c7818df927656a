"""What an exchange sends again, for each status of a failure: what the upstream has received is counted.

A message that may have been processed is sent once. The token is old enough to be renewed, so that a status which is
wrongly taken for a refused token shows.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.cases import cases
from tests.unit.forwarding.world import World, lines, ok

FAILURES = range(400, 600)
RAN = b"An internal server error occured: The MPL ID for the failed message is : AGpyvUXKUZJ-xCKXdYXps-l8FDTq"
BODY = b"the order"


@dataclass(frozen=True)
class Case:
    """An answer, and which statuses are sent again."""

    name: str
    again: dict[int, list[bytes]] = field(default_factory=dict)
    "What is sent after the message, by status: the first words of each request and its token."
    fields: tuple[bytes, ...] = ()
    text: bytes = b"why"
    sent: tuple[tuple[bytes, bytes], ...] = ()
    "Fields of the request."
    options: dict[str, Any] = field(default_factory=dict)


RENEWED = [b"%b t2"]
FETCHED = [b"HEAD t1", b"%b t1"]
CASES = [
    Case("a failure", again={401: RENEWED}),
    Case("without a text", again={401: RENEWED}, text=b""),
    Case("403 counts", again={401: RENEWED, 403: RENEWED}, options={"retry_on_403": True}),
    Case("CSRF is asked for", again={401: RENEWED, 403: FETCHED}, fields=(b"X-CSRF-Token: Required",)),
    Case("Retry-After", again={401: RENEWED}, fields=(b"Retry-After: 0",)),
    Case("a challenge", again={401: RENEWED}, fields=(b"WWW-Authenticate: Bearer",)),
    Case("the flow ran: text", text=RAN, options={"retry_on_403": True}),
    Case("the flow ran: text, CSRF", text=RAN, fields=(b"X-CSRF-Token: Required",)),
    Case(
        "the flow ran: field",
        fields=(b"SAP_MessageProcessingLogID: AGpyvUXKUZJ-xCKXdYXps-l8FDTq",),
        options={"retry_on_403": True},
    ),
    Case("csrf: off", again={401: RENEWED}, fields=(b"X-CSRF-Token: Required",), options={"csrf": "off"}),
    Case(
        "csrf: off, 403 counts",
        again={401: RENEWED},
        fields=(b"X-CSRF-Token: Required",),
        options={"csrf": "off", "retry_on_403": True},
    ),
    Case(
        "the sender handles CSRF tokens itself",
        again={401: RENEWED},
        fields=(b"X-CSRF-Token: Required",),
        sent=((b"X-CSRF-Token", b"Fetch"),),
    ),
    Case("the body is gone", options={"retry_on_403": True, "buffer": 1}),
]


async def received(method: str, status: int, case: Case) -> list[bytes]:
    """What the upstream gets, by its first status."""
    world, requests = World(**case.options), list[bytes]()
    answers = [ok(case.text, *case.fields, status=status), *[ok(b"", b"X-CSRF-Token: N")] * 4]
    await world.send(f"{method} /orders", *case.sent, body=BODY)
    while not world.over:
        requests.append(world.asked())
        await world.answer(answers.pop(0))
    return requests


def told(request: bytes) -> bytes:
    """Method and token of a request."""
    first, *fields = lines(request)
    (token,) = (line.rpartition(b" ")[2] for line in fields if line.startswith(b"Authorization: "))
    return first.split(b" ")[0] + b" " + token


@cases("method", "POST", "GET")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_failure_is_sent_again_in_the_listed_cases_only(method: str, case: Case) -> None:
    """It has the same bytes then."""
    seen = {status: await received(method, status, case) for status in FAILURES}
    name = method.encode()
    expected = {
        status: [name + b" t1", *(each.replace(b"%b", name) for each in case.again.get(status, []))]
        for status in FAILURES
    }

    assert {status: [told(each) for each in requests] for status, requests in seen.items()} == expected
    messages = [each for requests in seen.values() for each in requests if not each.startswith(b"HEAD")]
    assert all(each.endswith(b"\r\n\r\n" + BODY) for each in messages)
