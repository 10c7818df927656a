"""A message from destination, fields, method, content."""

import asyncio
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pytest

from proxy.config.load import load
from proxy.config.model import Configuration
from proxy.trial.message import Message, compose, content_of
from tests.cases import cases

CONFIGURATION = """
oauth_clients:
  c: {token_url: "https://as.example/t", client_id: c, client_secret: s}
routes:
  - {path: /orders, upstream: "https://t.example/http/orders", oauth_client: c}
"""


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    """With `orders`."""
    (tmp_path / "proxy.yaml").write_text(CONFIGURATION)
    return load(tmp_path / "proxy.yaml", {})


def composed(configuration: Configuration, content: bytes | Path = b"", headers: Sequence[str] = ()) -> Message:
    """A POST to the route."""
    return compose("orders", configuration, content, headers, "post")


async def content(message: Message) -> bytes:
    """And its reported sizes."""
    sizes: list[int] = []
    pieces = [piece async for piece in message.pieces(sizes.append)]
    assert sizes == [len(piece) for piece in pieces]
    return b"".join(pieces)


@cases(
    "text, media_type",
    (b'{"a": 1}', "application/json"),
    (b" [1]", "application/json"),
    (b"<a/>", "application/xml"),
    (b"MSH|", "text/plain; charset=utf-8"),
)
async def test_the_media_type_is_guessed_from_the_content(
    configuration: Configuration, text: bytes, media_type: str
) -> None:
    """With Host; the method is in capitals."""
    message = composed(configuration, text)
    assert message.method == "POST"
    assert message.target == "/orders"
    assert dict(message.fields) == {"Host": "localhost", "Content-Type": media_type}
    assert await content(message) == text


def test_fields_that_are_given_replace_the_guesses(configuration: Configuration) -> None:
    """In any case."""
    given = ["host: o.example", "content-type: text/xml", "X-Own:  one two "]
    expected = (("host", "o.example"), ("content-type", "text/xml"), ("X-Own", "one two"))
    assert composed(configuration, b"<a/>", given).fields == expected
    assert composed(configuration).fields == (("Host", "localhost"),)


async def test_a_file_is_read_in_pieces_each_time_it_is_sent(configuration: Configuration, tmp_path: Path) -> None:
    """Even if it was deleted."""
    file, octets = tmp_path / "message.xml", bytes(range(256)) * 2000
    file.write_bytes(octets)
    message = await asyncio.to_thread(composed, configuration, file)
    file.unlink()
    assert dict(message.fields)["Content-Type"] in {"application/xml", "text/xml"}
    assert await content(message) == octets
    assert await content(message) == octets


async def test_a_file_that_became_shorter_is_an_error(configuration: Configuration, tmp_path: Path) -> None:
    """Its length was announced."""
    file = tmp_path / "message.xml"
    file.write_bytes(b"<a/>")
    message = await asyncio.to_thread(composed, configuration, file)
    file.write_bytes(b"<a")
    with pytest.raises(OSError, match="became shorter"):
        await content(message)


@cases(
    "where, header, method, wrong",
    ("nowhere", "A: b", "POST", "There is no route nowhere; the routes are orders."),
    ("orders", "no colon", "POST", "-H no colon: it has no colon."),
    ("orders", "Content-Length: 5", "POST", "sets that field itself; leave it out"),
    ("orders", "X-Request-ID: 5", "POST", "sets that field itself; leave it out"),
    ("orders", "authorization: Bearer x", "POST", "puts its own token there; leave it out"),
    ("orders", "a b: c", "POST", "-H a b: "),
    ("orders", "a: b\nc", "POST", "-H a: "),
    ("orders", "A: b", "TRACE", "-X TRACE: "),
)
def test_a_wrong_option_is_an_error_that_names_it(
    configuration: Configuration, where: str, header: str, method: str, wrong: str
) -> None:
    """For the user."""
    with pytest.raises(ValueError) as caught:
        compose(where, configuration, b"", [header], method)
    assert wrong in str(caught.value)


class Terminal(BytesIO):
    """With somebody who types."""

    def isatty(self) -> bool:
        return True


def test_a_content_is_a_text_a_file_or_standard_input(tmp_path: Path) -> None:
    """A terminal only if asked for."""
    (tmp_path / "a").write_bytes(b"a\r\n")
    (tmp_path / "empty").touch()
    assert content_of(["caf\u00e9"], None, BytesIO(b"<a/>"), "POST") == b"caf\xc3\xa9"
    assert content_of([""], None, BytesIO(b"<a/>"), "POST") == b""
    assert content_of([f"@{tmp_path / 'a'}"], None, BytesIO(), "POST") == tmp_path / "a"
    assert content_of([], tmp_path / "a", BytesIO(), "POST") == tmp_path / "a"
    assert content_of([], tmp_path / "empty", BytesIO(b"<a/>"), "POST") == b""
    for data, file in (([], None), (["@-"], None), ([], Path("-"))):
        assert content_of(data, file, BytesIO(b"a\r\n"), "POST") == b"a\r\n"
        assert content_of(data, file, BytesIO(), "POST") is None
    assert content_of([], None, Terminal(b"a"), "POST") is None
    assert content_of([], None, BytesIO(b"a"), "GET") is None
    assert content_of(["@-"], None, BytesIO(b"a"), "GET") == b"a"
    assert content_of(["@-"], None, Terminal(b"a"), "POST") == b"a"


def test_a_content_has_one_source(tmp_path: Path) -> None:
    """Given once."""
    (tmp_path / "a").write_bytes(b"a")
    with pytest.raises(ValueError, match="not both"):
        content_of(["x"], tmp_path / "a", BytesIO(), "POST")
    with pytest.raises(ValueError, match="not several times"):
        content_of(["x", "y"], None, BytesIO(), "POST")
    with pytest.raises(ValueError, match="needs the name of a file"):
        content_of(["@"], None, BytesIO(), "POST")
    with pytest.raises(OSError, match="missing"):
        content_of([f"@{tmp_path / 'missing'}"], None, BytesIO(), "POST")
