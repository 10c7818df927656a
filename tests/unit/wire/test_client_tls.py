"""TLS between a transport of memory and a protocol that remembers; the peer is OpenSSL's own."""

import asyncio
import socket
import ssl

import pytest
import trustme

from proxy.wire.client_tls import RECORD, ClientTlsTransport
from proxy.wire.tls_context import verifying_context
from tests.cases import cases
from tests.unit.wire.upper import Peers, Upper


class Client(Peers):
    """A channel of a client, and its server."""

    def __init__(self, *, host: str = "u.example", trusted: bool = True, descriptor: int = -1) -> None:
        issuer, client = trustme.CA(), verifying_context()
        server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        issuer.issue_cert("u.example").configure_cert(server)
        if trusted:
            issuer.configure_trust(client)
        super().__init__(server, server_side=True)
        self.channel = ClientTlsTransport(client, host, self.upper, descriptor)
        self.channel.connection_made(self.below)


async def test_octets_go_both_ways() -> None:
    """In order, whatever the sizes."""
    peers = Client().shake()
    await peers.channel.secured
    large = bytes(range(256)) * 1000
    peers.channel.write(b"hello ")
    peers.channel.write(large)
    assert peers.hear() == (b"hello " + large, False)
    peers.deliver(peers.say(b"well, ") + peers.say(large))
    assert (peers.upper.content, peers.upper.told) == (b"well, " + large, ["made"])


@cases(
    "host, trusted, reason, alert",
    ("other.example", True, "Hostname mismatch", "SSLV3_ALERT_BAD_CERTIFICATE"),
    ("u.example", False, "unable to get local issuer", "TLSV1_ALERT_UNKNOWN_CA"),
)
async def test_a_certificate_that_is_not_accepted_ends_the_handshake(
    host: str, *, trusted: bool, reason: str, alert: str
) -> None:
    """The peer gets an alert."""
    peers = Client(host=host, trusted=trusted).shake()
    with pytest.raises(ssl.SSLCertVerificationError, match=reason):
        await peers.channel.secured
    peers.channel.connection_lost(None)
    assert (peers.below.aborted, peers.upper.told, peers.alert) == (True, [], alert)


async def test_an_end_in_the_handshake_is_its_failure() -> None:
    """It has the system's reason."""
    for error, expected in ((None, ConnectionResetError), (TimeoutError(), TimeoutError)):
        peers = Client()
        peers.channel.connection_lost(error)
        with pytest.raises(expected):
            await peers.channel.secured
        assert peers.upper.told == []


async def test_whoever_does_not_wait_for_the_handshake_is_not_told_of_it() -> None:
    """Asyncio would complain of the exception."""
    peers = Client()
    peers.channel.secured.cancel()
    peers.shake()
    other = Client()
    other.channel.secured.cancel()
    other.channel.connection_lost(None)
    assert (peers.upper.told, other.upper.told) == (["made"], [])


async def test_a_close_notify_is_an_end_in_order() -> None:
    """RFC 8446 §6.1."""
    peers = Client().shake()
    peers.deliver(peers.say(b"last") + peers.end())
    peers.channel.eof_received()
    peers.channel.connection_lost(None)
    assert (peers.upper.content, peers.upper.told) == (b"last", ["made", "eof", "lost NoneType"])
    assert peers.below.closed


async def test_an_end_without_it_is_a_cut() -> None:
    """Whoever is on the way could have made it."""
    peers = Client().shake()
    peers.channel.eof_received()
    peers.channel.connection_lost(None)
    assert peers.upper.told == ["made", "lost NoneType"]


async def test_what_is_no_tls_ends_the_connection() -> None:
    """With the reason."""
    peers = Client().shake()
    peers.deliver(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert peers.below.aborted
    peers.channel.connection_lost(None)
    assert peers.upper.told == ["made", "lost SSLError"]


async def test_after_the_peers_close_notify_writing_goes_on_or_ends_but_never_raises() -> None:
    """The exchange learns of it by the connection's end."""
    peers = Client().shake()
    peers.deliver(peers.end())
    peers.channel.write(b"late")
    peers.channel.connection_lost(None)
    assert peers.upper.told[0] == "made"
    assert peers.upper.told[-1].startswith("lost")


async def test_nothing_comes_while_reading_is_paused() -> None:
    """It comes in another turn of the event loop."""
    peers = Client().shake()
    peers.upper.on_data = peers.channel.pause_reading
    for octets in (b"one, ", b"two"):
        peers.deliver(peers.say(octets))
    assert (peers.upper.content, peers.below.reading) == (b"one, ", False)
    peers.channel.resume_reading()
    assert (peers.upper.content, peers.below.reading) == (b"one, ", True)
    await asyncio.sleep(0)
    assert peers.upper.content == b"one, two"
    peers.channel.resume_reading()
    await asyncio.sleep(0)
    assert peers.upper.content == b"one, two"


async def test_what_was_not_given_to_the_protocol_above_is_undelivered() -> None:
    """OpenSSL may hold a part of a record."""
    peers = Client().shake()
    seen = [peers.channel.undelivered]
    peers.upper.on_data = peers.channel.pause_reading
    for octets in (b"one, ", b"two"):
        peers.deliver(peers.say(octets))
    seen.append(peers.channel.undelivered)
    peers.channel.resume_reading()
    seen.append(peers.channel.undelivered)
    await asyncio.sleep(0)
    seen.append(peers.channel.undelivered)
    peers.channel.resume_reading()
    cipher = peers.say(b"three")
    peers.deliver(cipher[:7])
    seen.append(peers.channel.undelivered)
    peers.deliver(cipher[7:])
    assert [*seen, peers.channel.undelivered] == [False, True, True, False, True, False]


async def test_nothing_is_deciphered_after_the_protocol_above_has_aborted_it() -> None:
    """Nor is an end told."""
    peers = Client().shake()
    peers.upper.on_data = peers.channel.abort
    one, end = peers.say(b"one"), peers.end()
    peers.deliver(one + end)
    assert (peers.upper.content, peers.upper.told, peers.below.aborted) == (b"one", ["made"], True)


async def test_records_that_are_read_together_are_given_together() -> None:
    """The rest of the last one follows."""
    peers = Client().shake()
    cipher = b"".join(peers.say(octets) for octets in (b"one, ", bytes(RECORD), b"three"))
    peers.deliver(cipher[:-1])
    assert (peers.upper.content, peers.upper.pieces) == (b"one, " + bytes(RECORD), 1)
    peers.deliver(cipher[-1:])
    assert (peers.upper.content, peers.upper.pieces) == (b"one, " + bytes(RECORD) + b"three", 2)


@cases("broken, told", (False, ["made", "eof"]), (True, ["made", "lost SSLError"]))
async def test_an_end_waits_for_what_came_before_it(*, broken: bool, told: list[str]) -> None:
    """The protocol above has paused reading."""
    peers = Client().shake()
    peers.upper.on_data = peers.channel.pause_reading
    peers.deliver(peers.say(b"last") + (b"\x17\x03\x03\x00\x05abcde" if broken else peers.end()))
    seen = (peers.upper.content, peers.upper.told, peers.below.is_closing(), peers.channel.undelivered)
    assert seen == (b"last", ["made"], False, True)
    peers.channel.resume_reading()
    await asyncio.sleep(0)
    assert peers.below.is_closing()
    if broken:
        peers.channel.connection_lost(None)
    assert peers.upper.told == told


async def test_an_end_follows_at_once_what_came_before_it() -> None:
    """Unless reading is paused."""
    peers = Client().shake()
    peers.deliver(peers.say(b"last") + peers.end())
    assert (peers.upper.content, peers.upper.told) == (b"last", ["made", "eof"])


async def test_the_last_words_before_a_broken_write_are_deciphered() -> None:
    """They lie in the socket."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        peers = Client(descriptor=ours.fileno()).shake()
        theirs.sendall(peers.say(b"the answer"))
        peers.channel.connection_lost(BrokenPipeError())
    assert (peers.upper.content, peers.upper.told) == (b"the answer", ["made", "lost BrokenPipeError"])


async def test_it_is_the_transport_of_the_protocol_above() -> None:
    """TLS knows the rest."""
    peers = Client().shake()
    channel, below = peers.channel, peers.below
    assert peers.upper.transport is peers.channel
    below.buffered = 7
    channel.set_write_buffer_limits(5)
    assert (below.limit, channel.get_write_buffer_size(), channel.is_closing()) == (5, 7, False)
    assert channel.get_extra_info("peername") == ("192.0.2.1", 443)
    assert channel.get_extra_info("ssl_object").version() == "TLSv1.3"
    channel.pause_writing()
    channel.resume_writing()
    channel.abort()
    assert (peers.upper.told, below.aborted, channel.is_closing()) == (["made", "pause", "resume"], True, True)


async def test_one_that_has_not_begun_can_be_given_up() -> None:
    """Its socket is closed by whoever made it."""
    channel = ClientTlsTransport(verifying_context(), "u.example", Upper(), -1)
    channel.abort()
    assert not channel.secured.done()
