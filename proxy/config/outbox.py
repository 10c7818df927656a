"""The outbox of a route: which messages it keeps, and how it delivers them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from proxy.config.base import QUOTABLE, Model
from proxy.config.checked_text import FreeField, check_free_field
from proxy.config.parsed_values import Count, Size, Switch, Timeout, parse_count

KEPT_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
"An outbox accepts messages with these; others are forwarded as without one."
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


class OutboxAnswer(IntEnum):
    """The status of the answer to a message that was accepted; only 202 has content."""

    ACCEPTED = 202
    OK = 200
    NO_CONTENT = 204


def parse_answer(value: Any) -> int:
    """Parses a status, also one that is text because it is from a variable."""
    return parse_count(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryOrder:
    """Which messages are delivered one after the other: those with the same value of a field, else all of a route."""

    field: str = ""
    "Empty for all messages of the route."


def parse_order(value: Any) -> DeliveryOrder | None:
    """Parses `none`, `route` or `{field: NAME}`."""
    if value is None or isinstance(value, DeliveryOrder):
        return value
    if value == "none":
        return None
    if value == "route":
        return DeliveryOrder()
    if isinstance(value, Mapping) and set(value) == {"field"} and isinstance(value["field"], str):
        return DeliveryOrder(field=check_free_field(value["field"]))
    raise ValueError("is not a valid order; write `none`, `route` or {field: NAME}")


Order = Annotated[
    DeliveryOrder | None,
    BeforeValidator(parse_order),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["none", "route"]},
                {
                    "type": "object",
                    "properties": {"field": {"type": "string"}},
                    "required": ["field"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]
Answer = Annotated[OutboxAnswer, BeforeValidator(parse_answer), QUOTABLE]


class MessageId(Model):
    """The sender's own id of a message, by which a repeated one is recognized."""

    field: FreeField
    "The field with the id."
    remember: Timeout = 7 * _DAY
    "How long an id is remembered after its message was accepted."


class OutboxSettings(Model):
    """Accepts messages (POST, PUT, PATCH, DELETE) at once, keeps them on disk, and delivers them later."""

    answer: Answer = OutboxAnswer.ACCEPTED
    "Status of the answer: 202 with a JSON document; or 200 or 204 without content."
    max_age: Timeout = 3 * _DAY
    "A message that is not delivered within this time becomes a dead letter."
    retries: Annotated[tuple[Timeout, ...], Field(min_length=1)] = (
        5.0,
        30.0,
        2 * _MINUTE,
        10 * _MINUTE,
        30 * _MINUTE,
        _HOUR,
    )
    "Longest pause after the first, second and further failed deliveries; the last one repeats."
    repeatable: Switch = False
    "true: delivers again even if a message may have arrived, or its flow failed; the flow must drop duplicates."
    order: Order = None
    "route: one message after the other; {field: NAME}: the same for each value of the field; none: no order."
    message_id: MessageId | None = None
    "The sender's id of a message: a repeated message gets the answer to the first, and is not kept again."
    id_field: FreeField | None = None
    "Field that carries the message's id to the flow, the same in each attempt: the sender's id, else the proxy's."
    concurrency: Annotated[Count, Field(ge=1)] = 4
    "Maximum number of deliveries at a time."
    max_messages: Annotated[Count, Field(ge=1)] = 100_000
    "Maximum number of messages that are kept, dead letters included."
    max_bytes: Annotated[Size, Field(gt=0)] = 10 << 30
    "Maximum number of bytes that are kept, dead letters included."


def outbox_findings(
    outbox: OutboxSettings,
    *,
    methods: frozenset[str] | None,
    set_fields: Mapping[str, str],
    key_field: str | None,
) -> Iterator[tuple[str, str]]:
    """Yields (option, sentence) for what is wrong with an outbox beside the other options of its route.

    The option is empty for the outbox itself. `key_field` is the field of the sender's API key.
    """
    if methods is not None and methods.isdisjoint(KEPT_METHODS):
        yield "", "has no effect, because `methods` has none of POST, PUT, PATCH, DELETE; add one, or remove the outbox"
    if outbox.id_field is not None and outbox.id_field.lower() in {name.lower() for name in set_fields}:
        yield "id_field", "is also a field of `set_fields`; remove one of them"
    named = {
        "order": outbox.order.field if outbox.order else "",
        "message_id": outbox.message_id.field if outbox.message_id else "",
    }
    for option, name in named.items():
        if key_field is not None and name.lower() == key_field.lower():
            yield option, "names the field with the sender's API key, which is not kept; name another field"
