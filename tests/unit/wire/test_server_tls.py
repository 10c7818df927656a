"""The server's side of TLS, between a transport of memory and a protocol that remembers; the peer is OpenSSL's own."""

import asyncio
import ssl

import pytest
import trustme

from proxy.wire.server_tls import ServerTlsTransport
from tests.cases import cases
from tests.unit.wire.upper import Peers


class World:
    """What a listener and its senders have."""

    def __init__(self) -> None:
        issuer = trustme.CA()
        self.listener, self.sender = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
        issuer.issue_cert("proxy.example").configure_cert(self.listener)
        issuer.configure_trust(self.sender)


class Server(Peers):
    """A channel of a server, and its sender."""

    def __init__(self, world: World | None = None, session: ssl.SSLSession | None = None) -> None:
        world = world or World()
        super().__init__(world.sender, server_hostname="proxy.example", session=session)
        self.secured: list[ssl.SSLObject] = []
        self.failed: list[Exception] = []
        self.channel = ServerTlsTransport(
            world.listener, self.upper, secured=self.secured.append, failed=self.failed.append
        )
        self.channel.connection_made(self.below)

    def lose(self, error: Exception | None = None) -> None:
        """TCP is over."""
        self.channel.connection_lost(error)


async def test_octets_go_both_ways() -> None:
    """Nothing goes out before the handshake."""
    peers = Server()
    peers.channel.write(b"too early")
    assert (peers.upper.told, peers.below.written, peers.channel.can_write_eof()) == (["made"], b"", False)
    peers.shake()
    large = bytes(range(256)) * 1000
    peers.channel.write(large)
    peers.deliver(peers.say(large))
    assert (peers.hear(), peers.upper.content) == ((large, False), large)
    assert (len(peers.secured), peers.failed, peers.channel.can_write_eof()) == (1, [], True)


async def test_what_is_no_tls_fails() -> None:
    """The protocol above learns the end."""
    peers = Server()
    peers.deliver(b"POST / HTTP/1.1\r\n\r\n")
    assert peers.below.closed
    assert peers.channel.eof_received() is False
    peers.lose()
    (error,) = peers.failed
    assert isinstance(error, ssl.SSLError)
    assert (error.reason, peers.upper.told, peers.upper.content) == ("HTTP_REQUEST", ["made", "lost NoneType"], b"")


@pytest.mark.parametrize(("error", "told"), [(None, ConnectionResetError), (TimeoutError(), TimeoutError)])
async def test_an_end_in_the_handshake_is_its_failure(error: Exception | None, told: type[Exception]) -> None:
    """It has the system's reason."""
    peers = Server()
    peers.lose(error)
    assert list(map(type, peers.failed)) == [told]
    assert peers.upper.told == ["made", f"lost {type(error).__name__}"]


async def test_a_handshake_that_we_end_has_not_failed() -> None:
    """Whoever ended it knows why."""
    closed, aborted = Server(), Server()
    closed.channel.close()
    aborted.channel.abort()
    for peers in (closed, aborted):
        peers.deliver(b"\x16\x03\x01")
        peers.lose()
        assert (peers.failed, peers.below.written, peers.upper.told) == ([], b"", ["made", "lost NoneType"])
    assert (closed.below.closed, aborted.below.aborted) == (True, True)


async def test_an_end_in_good_order_comes_behind_what_was_sent() -> None:
    """By close_notify, once."""
    peers = Server().shake()
    peers.channel.write(b"answer")
    peers.channel.close()
    assert peers.hear() == (b"answer", True)
    peers.channel.close()
    peers.deliver(peers.say(b"more"))
    assert (peers.below.written, peers.below.closed, peers.below.aborted, peers.upper.content) == (
        b"",
        True,
        False,
        b"",
    )


async def test_after_our_own_end_what_comes_is_dropped() -> None:
    """The sender reads the answer and the end."""
    peers = Server().shake()
    more = peers.say(b"x" * 100_000)
    peers.deliver(more[:20_000])
    content = peers.upper.content
    peers.channel.write(b"refused")
    peers.channel.write_eof()
    peers.deliver(more[20_000:])
    assert (peers.hear(), peers.below.ended, peers.below.aborted) == ((b"refused", True), True, False)
    assert (peers.upper.content, peers.channel._incoming.pending) == (content, 0)
    assert peers.channel.eof_received() is False
    assert (peers.upper.told, peers.below.closed) == (["made", "eof"], True)


@cases("in_order", True, False)
async def test_a_sender_that_ends_its_side_may_still_get_its_answer(*, in_order: bool) -> None:
    """Its request was whole."""
    peers = Server().shake()
    peers.upper.keeps = True
    if in_order:
        peers.deliver(peers.end())
        peers.deliver(b"what nobody should send any more" * 1000)
    assert peers.channel.eof_received() is True
    peers.channel.write(b"answer")
    assert (peers.upper.told, peers.channel._incoming.pending, peers.below.closed) == (["made", "eof"], 0, False)
    if not in_order:
        assert peers.hear() == (b"answer", False)
    peers.channel.close()
    assert (len(peers.below.written) > 0, peers.below.closed) == (True, True)


@cases("in_order", True, False)
async def test_a_sender_that_ends_an_idle_connection_is_answered_by_an_end(*, in_order: bool) -> None:
    """The protocol above is told once."""
    peers = Server().shake()
    if in_order:
        peers.deliver(peers.end())
    assert peers.channel.eof_received() is False
    peers.lose()
    assert (peers.upper.told, peers.below.closed) == (["made", "eof", "lost NoneType"], True)


async def test_nothing_comes_after_the_protocol_above_has_ended_it() -> None:
    """The last answer arrives."""
    peers = Server().shake()

    def answer() -> None:
        peers.channel.write(b"answer")
        peers.channel.close()

    peers.upper.on_data = answer
    for octets in (b"one", b"two", b"three"):
        peers.deliver(peers.say(octets))
    assert (peers.upper.content, peers.hear(), peers.below.aborted) == (b"one", (b"answer", True), False)


async def test_nothing_comes_after_an_end_while_reading_was_paused() -> None:
    """It was to go on later."""
    peers = Server().shake()
    peers.upper.on_data = peers.channel.pause_reading
    for octets in (b"one", b"two"):
        peers.deliver(peers.say(octets))
    peers.channel.resume_reading()
    peers.channel.close()
    await asyncio.sleep(0)
    assert (peers.upper.content, peers.below.aborted) == (b"one", False)


async def test_a_broken_record_ends_the_connection() -> None:
    """With the reason."""
    peers = Server().shake()
    peers.deliver(b"\x17\x03\x03\x00\x05abcde")
    assert peers.below.aborted
    peers.lose()
    assert (peers.upper.told, peers.failed) == (["made", "lost SSLError"], [])


async def test_a_resumed_session_is_the_same_sender_s() -> None:
    """Its certificate is part of the session."""
    world, senders = World(), trustme.CA()
    world.listener.verify_mode = ssl.CERT_REQUIRED
    senders.configure_trust(world.listener)
    senders.issue_cert("sender.example").configure_cert(world.sender)
    world.sender.maximum_version = ssl.TLSVersion.TLSv1_2
    first = Server(world).shake()
    second = Server(world, first.peer.session).shake()
    assert second.peer.session_reused
    shown = [each.getpeercert(binary_form=True) for peers in (first, second) for each in peers.secured]
    assert len(shown) == 2
    assert shown[0] == shown[1]
