"""The limits of a route, in their order."""

from typing import Any

import pytest

from proxy.errors import BodyTooLarge, ContentTypeNotAllowed, Overloaded, RateExceeded
from proxy.forwarding.limits.route_limits import RouteLimits, limits_of
from tests.cases import cases
from tests.fakes.loop import HandLoop
from tests.unit.forwarding.world import Pair, request, settings

XML = (b"Content-Type", b"application/xml")
JSON = (b"Content-Type", b"application/json")


def limits(clock: HandLoop | None = None, **options: Any) -> RouteLimits:
    """Makes limits."""
    made = limits_of(settings(**options), (clock or HandLoop()).deadlines())
    assert made
    return made


async def acquire(
    limits: RouteLimits, *fields: Pair, body: bytes | None = b"x", length: int | None = None, address: str = "192.0.2.7"
) -> None:
    """Checks a message."""
    message = request("POST /orders", *fields, body=body, length=length)
    await limits.acquire(message.head, message.body, message.sender, address)


def test_a_route_without_options_has_no_limits() -> None:
    """Its exchanges skip the check."""
    assert limits_of(settings(), HandLoop().deadlines()) is None


@cases("options", {"content_types": ["text/*"]}, {"rate": {"per_sender": "1/s"}}, {"max_concurrency": 1})
async def test_each_option_alone_makes_one(options: dict[str, Any]) -> None:
    """They can be acquired, released and closed."""
    made = limits(**options)
    await acquire(made, (b"Content-Type", b"text/plain"))
    assert made.waiting == 0
    made.release()
    await made.close()


@cases(
    "fields, body, length",
    ((XML,), b"x", None),
    ((XML,), None, None),
    ((XML,), None, 9),
    ((), b"", None),
    ((JSON,), b"", None),
)
async def test_content_that_is_taken_passes_and_so_does_none(
    fields: tuple[Pair, ...], body: bytes | None, length: int | None
) -> None:
    """An empty request may name any type."""
    await acquire(limits(content_types=["application/xml"]), *fields, body=body, length=length)


@cases("fields, body, length", ((JSON,), b"x", None), ((JSON,), None, 9), ((), None, None))
async def test_other_content_is_refused_with_what_is_taken(
    fields: tuple[Pair, ...], body: bytes | None, length: int | None
) -> None:
    """So is a missing type."""
    with pytest.raises(ContentTypeNotAllowed, match=r"accepts application/xml, text/\* only") as raised:
        await acquire(limits(content_types=["application/xml", "text/*"]), *fields, body=body, length=length)

    assert raised.value.fields() == [("Accept", "application/xml, text/*")]


async def test_a_sender_that_asks_too_often_is_told_when_to_come_again() -> None:
    """Seconds are rounded up."""
    clock = HandLoop()
    made = limits(clock, rate={"per_sender": "2/m"})
    await acquire(made)
    await acquire(made)
    with pytest.raises(RateExceeded, match="send again in 30 s") as raised:
        await acquire(made)
    assert (raised.value.retry_after, raised.value.error_type) == (30, "http_request_denied")
    clock.advance(29.5)
    with pytest.raises(RateExceeded, match="send again in 1 s"):
        await acquire(made)
    clock.advance(0.5)
    await acquire(made)


async def test_senders_are_counted_by_their_networks() -> None:
    """A host may use a whole IPv6 /64."""
    made = limits(rate={"per_sender": "50/s", "burst": 1})
    for address in ("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8:0:1::1", ""):
        await acquire(made, address=address)
    for address in ("::ffff:192.0.2.1", "2001:db8::2", ""):
        with pytest.raises(RateExceeded):
            await acquire(made, address=address)


async def test_the_first_refusal_wins() -> None:
    """Size, type, rate, concurrency."""
    made = limits(content_types=["text/*"], rate={"per_sender": "1/h"}, max_concurrency=1, max_body=4)
    with pytest.raises(BodyTooLarge):
        await acquire(made, JSON, body=None, length=5)
    with pytest.raises(ContentTypeNotAllowed):
        await acquire(made, JSON)
    text = (b"Content-Type", b"text/plain")
    await acquire(made, text)
    with pytest.raises(RateExceeded):
        await acquire(made, text)
    with pytest.raises(Overloaded):
        await acquire(made, text, address="192.0.2.8")
    made.release()
    await acquire(made, text, address="192.0.2.9")
