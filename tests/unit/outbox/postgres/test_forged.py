"""What was changed or moved in the database is found: each value is bound to the message that it belongs to."""

import pytest

from proxy.errors import OutboxUnavailable
from proxy.outbox.message import DeadLetterCode, MessageState
from proxy.outbox.postgres.store import PostgresOutbox
from tests.cases import cases
from tests.unit.outbox.postgres.conftest import Session
from tests.unit.outbox.store_contract import ENTRY, LARGE, accept, octets, take, taken

pytestmark = pytest.mark.needs("postgresql")

SWAP = """
UPDATE cpi_proxy_outbox_messages AS one SET key_id = other.key_id, content = other.content
FROM cpi_proxy_outbox_messages AS other WHERE one.id <> other.id
"""
CONTENT = {
    "another's": SWAP,
    "changed": "UPDATE cpi_proxy_outbox_messages SET content = set_byte(content, 20, get_byte(content, 20) # 1)",
    "cut": "UPDATE cpi_proxy_outbox_messages SET content = substr(content, 1, length(content) - 1)",
    "emptied": "UPDATE cpi_proxy_outbox_messages SET content = ''",
    "another id": "UPDATE cpi_proxy_outbox_messages SET id = 'n' || id",
    "not encrypted": "UPDATE cpi_proxy_outbox_messages SET key_id = ''",
}


@cases("how", *CONTENT)
async def test_a_message_that_was_tampered_with_is_not_delivered(
    store: PostgresOutbox, session: Session, how: str
) -> None:
    """Its dead letter is shown to nobody."""
    for _ in range(2):
        await accept(store)
    await session.run(CONTENT[how])
    assert await taken(store) == []
    listed = await store.messages(route=None, state=MessageState.DEAD, limit=9, after=None)
    assert [each.code for each in listed] == ["uncertain"] * 2
    for each in listed:
        for shown in (store.message(each.id), store.body(each.id)):
            with pytest.raises(OutboxUnavailable, match="cannot be read"):
                await shown
        await store.discard(each.id)
    assert await store.routes() == []


async def test_a_message_of_another_route_is_not_delivered(store: PostgresOutbox, session: Session) -> None:
    """It would go to a wrong upstream."""
    await accept(store)
    await accept(store, route="other")
    await session.run(
        "UPDATE cpi_proxy_outbox_messages SET route = CASE route WHEN 'other' THEN 'orders' ELSE 'other' END"
    )
    assert await taken(store) == await taken(store, route="other") == []
    assert [(each.route, each.dead) for each in await store.routes()] == [("orders", 1), ("other", 1)]


PIECES = {
    "another's": """
        UPDATE cpi_proxy_outbox_pieces AS one SET value = other.value FROM cpi_proxy_outbox_pieces AS other
        WHERE one.body <> other.body AND one.number = other.number""",
    "in another order": """
        UPDATE cpi_proxy_outbox_pieces AS one SET value = other.value FROM cpi_proxy_outbox_pieces AS other
        WHERE one.body = other.body AND one.number = 1 - other.number""",
    "cut": "UPDATE cpi_proxy_outbox_messages SET body_size = 2 * 262144",
    "another message's body": """
        UPDATE cpi_proxy_outbox_messages AS one SET body = other.body FROM cpi_proxy_outbox_messages AS other
        WHERE one.id <> other.id""",
    "removed": "DELETE FROM cpi_proxy_outbox_pieces WHERE number = 1",
}


@cases("how", *PIECES)
async def test_a_large_body_that_was_tampered_with_is_not_sent_as_if_it_were_whole(
    store: PostgresOutbox, session: Session, how: str
) -> None:
    """Also if its end is missing."""
    for _ in range(2):
        await accept(store, body=LARGE)
    await session.run(PIECES[how])
    for each in await take(store, store._clock.wall()):
        with pytest.raises(OutboxUnavailable, match=r"cannot be read|is gone"):
            await octets(each.body)


async def test_a_history_belongs_to_its_message(store: PostgresOutbox, session: Session) -> None:
    """Nobody else's is shown."""
    ids = [await accept(store) for _ in range(2)]
    await taken(store)
    for id_ in ids:
        await store.died(id_, DeadLetterCode.UNCERTAIN, ENTRY)
    await session.run("UPDATE cpi_proxy_outbox_history SET seq = 3 - seq, number = 2")
    for id_ in ids:
        with pytest.raises(OutboxUnavailable, match="cannot be read"):
            await store.message(id_)
