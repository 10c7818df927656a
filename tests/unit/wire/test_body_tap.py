"""A body whose exchange is recorded hands over a copy of what is consumed."""

from proxy.wire.body import IncomingBody


class Flow:
    """A transport that reads on."""

    def pause_reading(self) -> None:
        """Never asked to."""

    def resume_reading(self) -> None:
        """Never asked to."""


def test_a_tap_gets_what_is_consumed_once() -> None:
    """Looking does not count."""
    copied: list[bytes] = []
    body = IncomingBody(Flow(), None)
    body.tap = copied.append
    body.push(b"a")
    body.push(b"b")
    assert body.consume() == b"ab"
    assert body.consume() == b""
    body.push(b"c")
    body.end()
    body.consume()
    assert copied == [b"ab", b"c"]
