"""Bodies as text."""

import gzip
import zlib

from proxy.console.bodies import SHOWN, attachment, body_document, text_of
from tests.cases import cases


@cases(
    "octets, media_type, coding, text",
    (b"", "", "", ""),
    ("ä\n\t€".encode(), "application/json", "", "ä\n\t€"),
    ("ä".encode("latin-1"), 'text/xml; Charset="ISO-8859-1"', "", "ä"),
    ("ä".encode("latin-1"), "text/xml", "", None),
    ("ä".encode("utf-16"), "text/xml;charset=utf-16", "", "ä"),
    (b"a\0b", "", "", None),
    (b"a\x1bb", "text/plain", "", None),
    (b"abc", "text/plain; charset=unknown", "", "abc"),
    (b"abc", "text/plain; charset=utf-99", "", None),
    (gzip.compress(b"abc", mtime=0), "", "gzip", "abc"),
    (gzip.compress(b"abc", mtime=0), "", "X-GZIP ", "abc"),
    (zlib.compress(b"abc"), "", "deflate", "abc"),
    (b"abc", "", "gzip", None),
    (b"abc", "", "br", None),
)
def test_a_body_is_text_or_nothing(octets: bytes, media_type: str, coding: str, text: str | None) -> None:
    """By charset, decoded."""
    assert text_of(octets, media_type, coding) == text


def test_a_body_that_was_cut_may_end_within_a_character() -> None:
    """A whole one may not."""
    assert text_of("a€".encode()[:-1], "", is_whole=False) == "a"
    assert text_of("a€".encode()[:-1], "") is None


@cases("charset", "zlib", "bz2", "hex", "punycode", "idna", "unicode_escape", "rot13")
def test_a_codec_that_is_no_charset_is_not_used(charset: str) -> None:
    """Some decompress; some take the square of the time."""
    bomb = zlib.compress(b"x" * (1 << 20))
    assert text_of(bomb, f"text/plain; charset={charset}") is None
    assert text_of(b"abc", f"text/plain; charset={charset}") == "abc"


def test_a_compressed_body_is_bounded() -> None:
    """Whatever it becomes."""
    text = text_of(gzip.compress(b"x" * (4 * SHOWN)), "", "gzip")
    assert text is not None
    assert len(text) == SHOWN


def test_a_document_has_size_and_what_was_kept() -> None:
    """And the media type as sent."""
    assert body_document(b"ab", size=5, fields=[("CONTENT-TYPE", "a/b")], download=None) == {
        "size": 5,
        "kept": 2,
        "text": "ab",
        "media_type": "a/b",
        "download": None,
    }


def test_an_attachment_is_never_shown() -> None:
    """Not even as a page."""
    answer = attachment(b"<html>")
    assert (answer.content_type, answer.headers["X-Content-Type-Options"]) == ("application/octet-stream", "nosniff")
