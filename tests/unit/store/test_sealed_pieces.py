"""Large contents in pieces."""

import pytest

from proxy.store.keys import OVERHEAD, Keys, ValueForged
from proxy.store.sealed_pieces import PIECE, place_of, seal_piece, unseal_piece
from tests.unit.store.test_keys import OLD


def test_a_piece_comes_back_in_its_place_only() -> None:
    """With another number or end it is refused."""
    key_id, value = seal_piece(OLD, b"content", b"message", number=1, last=False)
    assert unseal_piece(OLD, key_id, value, b"message", number=1, last=False) == b"content"
    for number, last, context in [(2, False, b"message"), (1, True, b"message"), (1, False, b"other")]:
        with pytest.raises(ValueForged):
            unseal_piece(OLD, key_id, value, context, number=number, last=last)


def test_pieces_stand_one_after_the_other() -> None:
    """A sealed one is longer."""
    assert place_of(2, Keys().current_id) == (2 * PIECE, PIECE)
    assert place_of(2, OLD.current_id) == (2 * (PIECE + OVERHEAD), PIECE + OVERHEAD)
