"""A tunnel through the corporate proxy: CONNECT (RFC 9110 §9.3.6), before TLS begins."""

import asyncio
import re
import socket

from proxy.config.egress import CorporateProxy
from proxy.errors import UpstreamUnreachable
from proxy.wire.challenge import challenge
from proxy.wire.field_names import FieldNames
from proxy.wire.grammar import ResponseHead, ResponseReader
from proxy.wire.heads import HeadCollector, HeadMalformed, HeadTooLong

LARGEST_HEAD = 16 << 10
"Octets of the proxy's answer; refusals come with pages, but those stand behind the head."
MOST_HEADS = 16
"Of one answer, the final one included."
_INTERIM = re.compile(rb"HTTP/1\.[01] 1[0-9]{2}[ \r]")
_SUCCESS = re.compile(rb"HTTP/1\.[01] 2[0-9]{2}[ \r]")
"What such an answer says about framing means nothing (RFC 9110 §9.3.6)."


async def tunnel(connected: socket.socket, proxy: CorporateProxy, authority: str) -> None:
    """Asks the proxy to connect to `host:port`. Raises UpstreamUnreachable if it does not."""
    loop = asyncio.get_running_loop()
    lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
    if proxy.authorization:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    await loop.sock_sendall(connected, "\r\n".join([*lines, "", ""]).encode("latin-1"))
    try:
        head, rest = await final_head(connected)
        if not _SUCCESS.match(head):
            answer = ResponseReader(FieldNames()).read(head)
            raise UpstreamUnreachable(refusal(answer, proxy, authority), definite=answer.status in {403, 407})
    except EOFError as error:
        text = f"The corporate proxy {proxy.url} hung up instead of connecting to {authority}."
        raise UpstreamUnreachable(text) from error
    except (HeadMalformed, HeadTooLong) as error:
        raise UpstreamUnreachable(f"{proxy.url} does not answer as an HTTP proxy does; check `proxy_url`.") from error
    if rest:
        raise UpstreamUnreachable(f"The corporate proxy {proxy.url} sent bytes of its own into the tunnel.")


async def final_head(connected: socket.socket) -> tuple[bytes, bytes]:
    """Returns the head of the answer, after interim ones (RFC 9110 §15.2), and what follows it. Raises EOFError."""
    loop, collector, rest = asyncio.get_running_loop(), HeadCollector(LARGEST_HEAD), b""
    for _ in range(MOST_HEADS):
        head, rest = collector.feed(rest) if rest else (b"", b"")
        while not head:
            octets = await loop.sock_recv(connected, LARGEST_HEAD)
            if not octets:
                raise EOFError
            head, rest = collector.feed(octets)
        if not _INTERIM.match(head):
            return head, rest
    raise HeadMalformed("interim answers without end")


def refusal(answer: ResponseHead, proxy: CorporateProxy, authority: str) -> str:
    """Returns what a status other than 2xx means, and what to do."""
    name, status = f"The corporate proxy {proxy.url}", answer.status
    if status == 407:
        asked = [value.decode("latin-1") for value in answer.fields.values(b"proxy-authenticate")]
        return f"{name} {challenge(asked, has_credentials=proxy.authorization is not None)}."
    return f"{name} refused to connect to {authority} with {status}; is that host allowed there?"
