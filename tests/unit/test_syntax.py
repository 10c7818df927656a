"""The grammars that several rooms share."""

import re

from proxy.syntax import TCHAR


def test_a_token_has_visible_ascii_without_delimiters() -> None:
    """RFC 9110 §5.6.2: letters, digits and 15 signs."""
    visible = map(chr, range(0x21, 0x7F))
    assert {each for each in map(chr, range(0x100)) if re.fullmatch(f"[{TCHAR}]", each)} == set(visible) - set(
        '"(),/:;<=>?@[\\]{}'
    )
