"""Keys that encrypt what is kept."""

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.store.keys import PLAIN, KeyMissing, Keys, ValueForged, parse_keys, read_keys
from tests.cases import cases

FIRST, SECOND = (base64.b64encode(bytes([number]) * 32) for number in (1, 2))
OLD = parse_keys(FIRST)
ROTATED = parse_keys(SECOND + b"\n" + FIRST)


@given(st.binary(), st.binary())
def test_what_was_sealed_comes_back(content: bytes, context: bytes) -> None:
    """Also with a newer key in front."""
    key_id, value = OLD.seal(content, context)
    assert ROTATED.unseal(key_id, value, context) == content
    assert len(content) < 4 or content not in value


def test_the_first_key_encrypts() -> None:
    """The others only decrypt."""
    assert ROTATED.current_id == ROTATED.seal(b"", b"")[0] != OLD.current_id
    assert ROTATED.missing([OLD.current_id, ROTATED.current_id, PLAIN]) == [PLAIN]
    assert ROTATED.reading_plain().missing([OLD.current_id, ROTATED.current_id, PLAIN]) == []


def test_a_value_whose_key_is_gone_names_the_key() -> None:
    """By its id, which does not tell the key."""
    key_id, value = ROTATED.seal(b"content", b"")
    assert OLD.missing([key_id]) == [key_id]
    with pytest.raises(KeyMissing, match=key_id.hex()):
        OLD.unseal(key_id, value, b"")


@cases("change", "value", "context", "cut")
def test_a_value_that_was_changed_or_moved_is_refused(change: str) -> None:
    """AES-GCM covers the context."""
    key_id, value = OLD.seal(b"content", b"here")
    changed = {"value": value[:-1] + bytes([value[-1] ^ 1]), "context": value, "cut": value[:3]}[change]
    with pytest.raises(ValueForged):
        OLD.unseal(key_id, changed, b"there" if change == "context" else b"here")


def test_without_keys_nothing_is_encrypted() -> None:
    """It stays readable with keys."""
    assert Keys().seal(b"content", b"context") == (PLAIN, b"content")
    assert Keys().unseal(PLAIN, b"content", b"context") == b"content"
    assert OLD.reading_plain().unseal(PLAIN, b"content", b"context") == b"content"


def test_a_value_that_is_not_encrypted_is_refused_where_all_are() -> None:
    """Anybody could have put it there."""
    with pytest.raises(ValueForged, match="not encrypted"):
        OLD.unseal(PLAIN, b"content", b"context")


def test_hashes_are_keyed_and_looked_for_under_every_key() -> None:
    """And without a key."""
    found = ROTATED.digests(b"id", b"route")
    assert found == [ROTATED.digest(b"id", b"route"), OLD.digest(b"id", b"route"), Keys().digest(b"id", b"route")]
    assert len({digest for _, digest in found}) == len(found)


def test_a_hash_tells_content_and_context_apart() -> None:
    """However they are divided."""
    assert Keys().digest(b"bc", b"a") != Keys().digest(b"c", b"ab")


@cases(
    "text, problem",
    (b"", "the file has no key; write one with: openssl rand -base64 32"),
    (FIRST + b"\n\nnot base64!", "line 3: the key is not base64; make one with: openssl rand -base64 32"),
    (b"c2hvcnQ=", "line 1: the key has 5 bytes; it needs 32: openssl rand -base64 32"),
    (FIRST + b"\n" + FIRST, "line 2: this key is repeated; remove one of the two"),
)
def test_a_key_that_cannot_be_used_is_refused_by_its_line(text: bytes, problem: str) -> None:
    """Without showing it."""
    with pytest.raises(ValueError) as caught:
        parse_keys(text)
    assert str(caught.value) == problem


def test_a_keys_file_is_read(tmp_path: Path) -> None:
    """An error has its name."""
    path = tmp_path / "keys"
    path.write_bytes(b"  " + SECOND + b"\r\n" + FIRST + b"\n\n")
    assert [key.id for key in read_keys(path).keys] == [key.id for key in ROTATED.keys]
    path.write_bytes(b"x")
    with pytest.raises(ValueError, match=f"^{path}: line 1: the key is not base64"):
        read_keys(path)


def test_a_key_does_not_show_itself() -> None:
    """In a log or a traceback."""
    assert repr(Keys(OLD.keys)) == f"Keys(keys=(Key(id={OLD.current_id!r}),))"
