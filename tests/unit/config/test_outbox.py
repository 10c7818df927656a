"""The options of an outbox, and what is wrong with one beside the other options of its route."""

from typing import Any

from proxy.config.outbox import DeliveryOrder, MessageId, OutboxAnswer, OutboxSettings, outbox_findings, parse_order
from tests.cases import cases
from tests.unit.config.entries import ROUTE, complaints, understand, written

KEY = "k7PUqhx0iKSRlZp2kzWPTrl1iK3dp7OtZYKTd1Gy3sM="


def test_an_empty_mapping_is_an_outbox_with_all_defaults() -> None:
    """Without the key there is none."""
    with_outbox = understand(written(route=ROUTE | {"outbox": {}})).routes[0]
    assert understand(written(route=ROUTE)).routes[0].outbox is None
    assert with_outbox.outbox == OutboxSettings(
        answer=OutboxAnswer.ACCEPTED,
        max_age=259_200.0,
        retries=(5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0),
        repeatable=False,
        order=None,
        message_id=None,
        id_field=None,
        concurrency=4,
        max_messages=100_000,
        max_bytes=10 << 30,
    )


def test_all_options_are_read() -> None:
    """Also as text, as variables are."""
    outbox = {
        "answer": "204",
        "max_age": "1d",
        "retries": ["1s", 0.5],
        "repeatable": "true",
        "order": {"field": "X-Customer"},
        "message_id": {"field": "X-Id", "remember": "1h"},
        "id_field": "SapMessageIdEx",
        "concurrency": 1,
        "max_messages": 10,
        "max_bytes": "1KiB",
    }
    assert understand(written(route=ROUTE | {"outbox": outbox})).routes[0].outbox == OutboxSettings(
        answer=OutboxAnswer.NO_CONTENT,
        max_age=86_400.0,
        retries=(1.0, 0.5),
        repeatable=True,
        order=DeliveryOrder(field="X-Customer"),
        message_id=MessageId(field="X-Id", remember=3600.0),
        id_field="SapMessageIdEx",
        concurrency=1,
        max_messages=10,
        max_bytes=1024,
    )


def test_the_word_none_is_no_order() -> None:
    """It is the default, and may be written."""
    assert OutboxSettings.model_validate({"order": "none"}).order is None


def test_the_word_route_is_one_order_for_all_messages() -> None:
    """A value that was parsed before stays as it is."""
    assert parse_order(parse_order("route")) == DeliveryOrder(field="")


def test_the_store_has_a_folder_and_a_file_of_keys() -> None:
    """By default neither."""
    assert (understand(written()).store.path, understand(written()).store.keys_file) == (None, None)
    store = understand(written(store={"path": "kept", "keys_file": "keys"}), files={"keys": KEY}).store
    assert store.path is not None
    assert store.keys_file is not None
    assert (store.path.name, store.keys_file.name, store.path.is_absolute()) == ("kept", "keys", True)


@cases(
    "options, told",
    ({"outbox": {"answer": 201}}, 'outbox.answer: "201" is not known; write one of 202, 200 or 204'),
    ({"outbox": {"order": "field"}}, "outbox.order: is not a valid order; write `none`, `route` or {field: NAME}"),
    ({"outbox": {"order": {"field": "Cookie"}}}, "outbox.order: is a field that the proxy itself sets or drops"),
    ({"outbox": {"order": {"field": "A", "b": "c"}}}, "outbox.order: is not a valid order"),
    ({"outbox": {"message_id": "X-Id"}}, "outbox.message_id: is not a mapping"),
    ({"outbox": {"message_id": {}}}, "outbox.message_id.field: is missing; add it"),
    ({"outbox": {"retries": []}}, "outbox.retries: is empty; write at least one"),
    ({"outbox": {"retries": ["0s"]}}, 'outbox.retries[0]: "0s" is too small; write more than 0'),
    ({"outbox": {"retries": "5s"}}, 'outbox.retries: "5s" is not a list'),
    ({"outbox": {"concurrency": 0}}, 'outbox.concurrency: "0" is too small; write at least 1'),
    ({"outbox": {}, "methods": ["GET"]}, "outbox: has no effect, because `methods` has none of POST"),
    ({"outbox": {"id_field": "x-a"}, "set_fields": {"X-A": "b"}}, "outbox.id_field: is also a field of `set_fi"),
)
def test_what_is_wrong_is_told_with_its_path(options: Any, told: str) -> None:
    """With what would be right."""
    (line,) = complaints(written(route=ROUTE | options))
    assert f"routes[0].{told}" in line


@cases("option", "order", "message_id")
def test_the_field_of_a_sender_s_key_cannot_be_kept(option: str) -> None:
    """It would be on the disk."""
    outbox = OutboxSettings.model_validate({option: {"field": "x-key"}})
    found = outbox_findings(outbox, methods=frozenset({"PUT"}), set_fields={}, key_field="X-Key")
    assert [place for place, _ in found] == [option]
    assert list(outbox_findings(outbox, methods=None, set_fields={}, key_field="X-Other")) == []
