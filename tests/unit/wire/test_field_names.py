"""Names, each judged once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire import field_names
from proxy.wire.field_names import LONGEST, FieldNames, usual
from tests.cases import cases

JUDGED: list[bytes] = []


def names(common: tuple[bytes, ...] = ()) -> FieldNames:
    """Names with `b` do not pass."""
    JUDGED.clear()

    def passes(name: bytes) -> bool:
        JUDGED.append(name)
        return not name.startswith(b"b")

    return FieldNames(passes, asked=frozenset({b"a-a"}), single=frozenset({b"b-b"}), common=common)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (b"A-a", (b"a-a", True, True, False)),
        (b"B-B", (b"b-b", False, True, True)),
        (b"b-c", (b"b-c", False, False, False)),
        (b"X_y", (b"x_y", True, False, False)),
    ],
)
def test_a_name_says_what_its_field_is(name: bytes, says: tuple[bytes, bool, bool, bool]) -> None:
    """In any case."""
    kind = names().kind(name)

    assert kind is not None
    assert (kind.name, kind.passes, kind.noted, kind.single) == says
    assert repr(kind) == f"<FieldKind {says[0]!r}>"


@cases("name", b"", b"a b", b"a ", b"\xe4", b"a:", b"a\r", b"(a)", b"a\n")
def test_what_is_no_token_is_no_name_however_often_it_comes(name: bytes) -> None:
    """RFC 9110 §5.6.2."""
    table = names()

    assert [table.kind(name), table.kind(name), name in table.known] == [None, None, False]


def test_a_name_is_judged_once_for_each_spelling() -> None:
    """Then it is looked up."""
    table = names()
    kinds = [table.kind(b"X-A") for _ in range(3)]

    assert (JUDGED.count(b"x-a"), len({id(kind) for kind in kinds})) == (1, 1)


def test_common_names_are_there_from_the_start() -> None:
    """A flood leaves room for them."""
    table = names(common=(b"content-type",))

    assert {*table.known} - {*FieldNames().known} == {b"a-a", b"A-A", b"b-b", b"B-B", b"content-type", b"Content-Type"}
    assert {kind.name: kind.single for kind in FieldNames().known.values()} == {
        b"connection": False,
        b"proxy-connection": False,
        b"content-length": True,
        b"transfer-encoding": True,
    }


def test_ever_new_names_fill_no_memory_and_push_out_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are judged each time, and right."""
    monkeypatch.setattr(field_names, "MOST", 14)
    table = names()
    for number in range(10):
        kind = table.kind(b"B-%d" % number)
        assert kind is not None
        assert not kind.passes

    assert ({*table.known} >= {b"a-a", b"A-A", b"b-b", b"B-B"}, len(table.known)) == (True, 14)


def test_long_names_are_not_kept() -> None:
    """A head holds one of 64 KiB."""
    table = names()
    kept = [b"x" * length in table.known for length in (LONGEST, LONGEST + 1) if table.kind(b"x" * length)]

    assert kept == [True, False]


@given(st.from_regex(rb"[A-Za-z0-9_-]{1,20}", fullmatch=True))
def test_the_usual_spelling_is_the_same_name(name: bytes) -> None:
    """Each part begins with a capital."""
    assert usual(name).lower() == name.lower()
    assert usual(b"x-request-ID") == b"X-Request-Id"
