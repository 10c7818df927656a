"""The grammars that several rooms share."""

import re

import pytest

from proxy.syntax import TCHAR, bracketed, is_address, is_loopback


def test_a_token_has_visible_ascii_without_delimiters() -> None:
    """RFC 9110 §5.6.2: letters, digits and 15 signs."""
    visible = map(chr, range(0x21, 0x7F))
    assert {each for each in map(chr, range(0x100)) if re.fullmatch(f"[{TCHAR}]", each)} == set(visible) - set(
        '"(),/:;<=>?@[\\]{}'
    )


@pytest.mark.parametrize(
    ("host", "written"), [("::1", "[::1]"), ("127.0.0.1", "127.0.0.1"), ("a.example", "a.example")]
)
def test_an_ipv6_address_is_written_in_brackets(host: str, written: str) -> None:
    """RFC 3986 §3.2.2: its colons would otherwise begin a port."""
    assert bracketed(host) == written


@pytest.mark.parametrize(
    ("name", "address", "loopback"),
    [
        ("127.0.0.1", True, True),
        ("127.9.9.9", True, True),
        ("::1", True, True),
        ("::ffff:127.0.0.1", True, True),
        ("localhost", False, True),
        ("LOCALHOST.", False, True),
        ("10.1.2.3", True, False),
        ("::ffff:10.1.2.3", True, False),
        ("2001:db8::1", True, False),
        ("0.0.0.0", True, False),
        ("127.1", False, False),
        ("127.0.0.1.evil.example", False, False),
        ("localhost.evil.example", False, False),
        ("", False, False),
    ],
)
def test_addresses_and_loopback_are_told_from_names(name: str, *, address: bool, loopback: bool) -> None:
    """A name may point anywhere, an address only to itself."""
    assert is_address(name) is address
    assert is_loopback(name) is loopback
