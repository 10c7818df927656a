"""A way through the corporate proxy: CONNECT (RFC 9110 §9.3.6), before TLS begins."""

import asyncio
import socket

from proxy.config.egress import CorporateProxy
from proxy.errors import UpstreamUnreachable
from proxy.wire.challenge import challenge
from proxy.wire.field_names import FieldNames
from proxy.wire.grammar import ResponseHead, ResponseReader
from proxy.wire.heads import HeadCollector, HeadMalformed, HeadTooLong

LARGEST_HEAD = 16 << 10
"Octets of the proxy's answer; refusals come with pages, but those stand behind the head."


async def tunnel(connected: socket.socket, proxy: CorporateProxy, authority: str) -> None:
    """Has the proxy connect the socket to `host:port`; UpstreamUnreachable if it does not."""
    loop = asyncio.get_running_loop()
    lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
    if proxy.authorization:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    await loop.sock_sendall(connected, "\r\n".join([*lines, "", ""]).encode("latin-1"))
    collector, head, rest = HeadCollector(LARGEST_HEAD), b"", b""
    try:
        while not head:
            octets = await loop.sock_recv(connected, LARGEST_HEAD)
            if not octets:
                raise UpstreamUnreachable(
                    f"The corporate proxy {proxy.url} hung up instead of connecting to {authority}."
                )
            head, rest = collector.feed(octets)
        answer = ResponseReader(FieldNames()).read(head)
    except (HeadMalformed, HeadTooLong) as error:
        raise UpstreamUnreachable(f"{proxy.url} does not answer as an HTTP proxy does; check `proxy_url`.") from error
    if not 200 <= answer.status < 300:
        raise UpstreamUnreachable(refusal(answer, proxy, authority), definite=answer.status in {403, 407})
    if rest:
        raise UpstreamUnreachable(f"The corporate proxy {proxy.url} sent octets of its own into the tunnel.")


def refusal(answer: ResponseHead, proxy: CorporateProxy, authority: str) -> str:
    """What a status other than 2xx means, and what to do."""
    name, status = f"The corporate proxy {proxy.url}", answer.status
    if status == 407:
        asked = [value.decode("latin-1") for value in answer.fields.values(b"proxy-authenticate")]
        return f"{name} {challenge(asked, has_credentials=proxy.authorization is not None)}."
    return f"{name} refused to connect to {authority} with {status}; is that host allowed there?"
