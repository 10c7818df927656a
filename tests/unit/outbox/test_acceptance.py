"""What is kept of a message, and what its sender is told."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from proxy.config.outbox import OutboxAnswer
from proxy.errors import BodyTooLarge, LengthRequired, OutboxUnavailable
from proxy.forwarding.body import BufferedBody
from proxy.forwarding.exchange import refuse_overrun
from proxy.outbox.acceptance import (
    answer,
    content_hash,
    only_value,
    refuse_above,
    refuse_unframed,
    whole,
)
from proxy.outbox.message import Accepted
from tests.cases import cases
from tests.fakes.heads import request_head
from tests.unit.outbox.store_contract import HeldBody

ACCEPTED = Accepted(id="0" * 32, accepted_at=0.0, expires_at=60.0, is_new=True)


def request(first: bytes = b"POST / HTTP/1.1", *, persistent: bool = True) -> Any:
    """As far as acceptance looks."""
    sender = SimpleNamespace(persistent=lambda: persistent)
    return SimpleNamespace(head=request_head(first, (b"Host", b"h")), sender=sender, id="id-1")


@cases(
    "status, lines",
    (OutboxAnswer.ACCEPTED, {"HTTP/1.1 202 Accepted", "Content-Type: application/json", "Content-Length: 140"}),
    (OutboxAnswer.OK, {"HTTP/1.1 200 OK", "Content-Length: 0"}),
    (OutboxAnswer.NO_CONTENT, {"HTTP/1.1 204 No Content"}),
)
def test_the_answer_has_the_message_s_id(status: OutboxAnswer, lines: set[str]) -> None:
    """And content with 202 only."""
    head, _, content = answer(request(), ACCEPTED, status, now=0.0).decode().partition("\r\n\r\n")
    always = {"Date: Thu, 01 Jan 1970 00:00:00 GMT", f"Outbox-Id: {ACCEPTED.id}", "X-Request-ID: id-1"}
    assert set(head.split("\r\n")) == always | lines
    assert len(content) == (140 if status is OutboxAnswer.ACCEPTED else 0)


@cases(
    "first, persistent, line",
    (b"POST / HTTP/1.1", False, b"\r\nConnection: close\r\n"),
    (b"POST / HTTP/1.0", True, b"\r\nConnection: keep-alive\r\n"),
    (b"POST / HTTP/1.1", True, b""),
)
def test_the_answer_tells_whether_the_connection_stays(first: bytes, line: bytes, *, persistent: bool) -> None:
    """In HTTP/1.1 it stays without a word."""
    octets = answer(request(first, persistent=persistent), ACCEPTED, OutboxAnswer.OK, now=0.0)
    assert line in octets
    assert bool(line) == (b"Connection:" in octets)


async def test_the_hash_tells_every_part_apart() -> None:
    """A file counts as its content."""

    async def hashed(method: str, target: bytes, content_type: bytes, body: Any) -> bytes:
        fields = request_head(b"POST / HTTP/1.0", (b"Content-Type", content_type)).fields
        return await content_hash(method, target, fields, body)

    told = {
        await hashed(*parts)
        for parts in (
            ("POST", b"/a", b"b", b"c"),
            ("POST", b"/ab", b"x", b"c"),
            ("POST", b"/a", b"bc", b""),
            ("PUT", b"/a", b"b", b"c"),
        )
    }
    assert len(told) == 4
    assert await hashed("POST", b"/a", b"b", HeldBody(b"c")) in told


@cases("values, found", ([b"a"], b"a"), ([], b""), ([b""], b""), ([b"a", b"b"], b""))
def test_an_id_that_is_missing_or_not_the_only_one_is_none(values: list[bytes], found: bytes) -> None:
    """Whatever the field's case."""
    fields = request_head(b"POST / HTTP/1.0", *((b"x-id", each) for each in values)).fields
    assert only_value(fields, "X-Id") == found


def test_what_may_not_be_whole_is_refused() -> None:
    """Lost, overrun, unframed or too large."""
    with pytest.raises(OutboxUnavailable, match="TMPDIR"):
        whole(cast("Any", SimpleNamespace()))
    overrun = LengthRequired("Send a length.")
    with pytest.raises(LengthRequired, match="Send a length"):
        refuse_overrun(cast("Any", SimpleNamespace(overrun=overrun)))
    with pytest.raises(LengthRequired):
        refuse_unframed(request(persistent=False))
    with pytest.raises(BodyTooLarge, match="max_bytes"):
        refuse_above(11, 10)


def test_what_is_whole_is_kept() -> None:
    """As it is."""
    assert whole(BufferedBody(b"a")) == b"a"
    refuse_unframed(request())
    refuse_unframed(request(b"DELETE / HTTP/1.1", persistent=False))
    refuse_above(10, 10)
