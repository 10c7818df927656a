"""The grammars that several rooms share."""

import re

from proxy.syntax import TCHAR, values_of


def test_a_token_has_visible_ascii_without_delimiters() -> None:
    """RFC 9110 §5.6.2: letters, digits and 15 signs."""
    visible = map(chr, range(0x21, 0x7F))
    assert {each for each in map(chr, range(0x100)) if re.fullmatch(f"[{TCHAR}]", each)} == set(visible) - set(
        '"(),/:;<=>?@[\\]{}'
    )


def test_values_of_a_field_are_found_in_any_case() -> None:
    """They keep their order; fields may be bytes or text."""
    assert values_of([(b"A", b"1"), (b"b", b"2"), (b"a", b"3")], b"a") == [b"1", b"3"]
    assert values_of([("Content-Type", "a/b"), ("Host", "c")], "host") == ["c"]
