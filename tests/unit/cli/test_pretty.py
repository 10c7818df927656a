"""An answer's body for a terminal."""

from proxy.cli.pretty import pretty
from tests.cases import cases


@cases(
    "content, charset, shown",
    (b"", "utf-8", ""),
    (b'{"a":[1,{"b":"\xc3\xa9"}]}', "utf-8", '{\n  "a": [\n    1,\n    {\n      "b": "\u00e9"\n    }\n  ]\n}'),
    (b"[]", "utf-8", "[]"),
    (b"{not json}", "utf-8", "{not json}"),
    (b"[" * 100_000, "utf-8", "[" * 100_000),
    (b"<a><b>x</b><c/></a>", "utf-8", "<a>\n  <b>x</b>\n  <c/>\n</a>"),
    (b"<s:a xmlns:s='u'> <s:b/>\n</s:a>", "utf-8", '<s:a xmlns:s="u">\n  <s:b/>\n</s:a>'),
    (b"<a> </a>", "utf-8", "<a> </a>"),
    (b'<?xml version="1.0"?><a/>', "utf-8", '<?xml version="1.0" ?>\n<a/>'),
    (b"<!-- x --><a/>", "utf-8", "<!-- x -->\n<a/>"),
    (b"<!DOCTYPE html><p>x</p>", "utf-8", "<!DOCTYPE html><p>x</p>"),
    (b"<p>unclosed", "utf-8", "<p>unclosed"),
    (b"caf\xe9", "latin-1", "caf\u00e9"),
    (b"caf\xe9", "no-such-charset", "caf\ufffd"),
    (b"a\tb\x1b[31mred\r\nnext", "utf-8", "a       b?[31mred\nnext"),
    (b"%PDF\0", "utf-8", "(5 bytes of text/x; redirect standard output to keep them)"),
)
def test_json_and_xml_are_indented_and_nothing_controls_the_terminal(content: bytes, charset: str, shown: str) -> None:
    """Other text is unchanged, but for tabs and terminal control characters."""
    assert pretty(content, "text/x", charset) == shown
