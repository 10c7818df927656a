"""Basic credentials."""

from base64 import b64encode

import pytest

from proxy.forwarding.auth.user_pass import user_pass
from tests.cases import cases
from tests.fakes.passwords import basic


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (basic("Aladdin", "open sesame"), ("Aladdin", b"open sesame")),
        (basic("test", "123£"), ("test", "123£".encode())),
        (basic("a", "b:c"), ("a", b"b:c")),
        (basic("", ""), ("", b"")),
        (b"bAsIc  YTpi ", ("a", b"b")),
        (b"Basic " + b64encode(b"\xe4:\xf6"), ("\udce4", b"\xf6")),
    ],
)
def test_name_and_password_are_found(value: bytes, found: tuple[str, bytes]) -> None:
    """The first colon ends the name (RFC 7617 §2)."""
    assert user_pass(value) == found


@cases(
    "value",
    b"",
    b"Basic",
    b"Basic ",
    b"Bearer YTpi",
    b"BasicYTpi",
    b"Basic YTpi!",
    b"Basic YTp",
    b"Basic YT pi",
    b"Basic \xe4\xe4\xe4\xe4",
    b"Basic " + b64encode(b"no colon"),
    b"Basic " + b64encode(b"a:b\x00c"),
)
def test_what_is_no_user_pass_is_none(value: bytes) -> None:
    """Its form is wrong."""
    assert user_pass(value) is None
