"""Token requests on real sockets."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from proxy import __version__
from proxy.errors import GrantMalformed, GrantTimeout, GrantUnavailable
from proxy.oauth.answer import TokenResponse
from proxy.oauth.endpoint import GrantSession
from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer, Fault, Reply, granted
from tests.fakes.loop import LeapingLoop, leaping
from tests.unit.oauth.registrations import NEO, XSUAA, registration
from tests.unit.oauth.sending import detail_of, request_of, send

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


async def test_neo_receives_a_post_with_query_and_empty_body(session: GrantSession) -> None:
    """As from SAP's own client."""
    async with AuthorizationServer(granted()) as server:
        client = registration(NEO, token_url=server.url + "?tenant=%2fA", client_secret=SecretStr("a:b"))
        await send(session, client)
    (received,) = server.requests
    assert received.method == "POST"
    assert received.target == "/oauth/token?tenant=%2fA&grant_type=client_credentials&token_format=jwt"
    assert received.body == b""
    assert dict(received.fields) == {
        "Host": f"127.0.0.1:{server.port}",
        "Accept": "application/json",
        "Authorization": "Basic c2ItMSFiMnxpdC1ydC14IWIzOmE6Yg==",
        "User-Agent": f"cpi-oauth-proxy/{__version__}",
        "Accept-Encoding": received.field("Accept-Encoding"),
        "Content-Length": "0",
        "Connection": "close",
    }


async def test_xsuaa_receives_a_form(session: GrantSession) -> None:
    """With every character as it is."""
    async with AuthorizationServer(granted()) as server:
        await send(session, registration(XSUAA, token_url=server.url, client_secret=SecretStr("a+b %ä&=")))
    (received,) = server.requests
    assert received.target == "/oauth/token"
    assert received.field("Content-Type") == "application/x-www-form-urlencoded"
    assert received.form == {
        "grant_type": "client_credentials",
        "client_id": "sb-1!b2|it-rt-x!b3",
        "client_secret": "a+b %ä&=",
    }


async def test_the_answer_is_returned_as_it_is(session: GrantSession) -> None:
    """An error has status, content type, Retry-After and body too."""
    fields = (("Content-Type", "text/html"), ("Retry-After", "9"))
    async with AuthorizationServer(Reply(status=503, fields=fields, body=b"<p>")) as server:
        found = await send(session, registration(token_url=server.url))
    assert found == TokenResponse(status=503, content_type="text/html", retry_after="9", body=b"<p>")


async def test_a_redirect_is_not_followed(session: GrantSession) -> None:
    """The other host gets no credentials."""
    async with AuthorizationServer(granted()) as other:
        redirect = Reply(status=307, fields=(("Location", other.url),))
        async with AuthorizationServer(redirect) as server:
            assert (await send(session, registration(token_url=server.url))).status == 307
    assert len(server.requests) == 1
    assert other.requests == []


async def test_no_cookie_is_kept(session: GrantSession) -> None:
    """Not even for the next request."""
    reply = Reply(fields=(("Set-Cookie", "session=1; Path=/"),), body=b"{}")
    async with AuthorizationServer(reply) as server:
        client = registration(token_url=server.url)
        endpoint = session.endpoint(client)
        for _ in range(2):
            await endpoint.send(request_of(client))
    assert [each.field("Cookie") for each in server.requests] == [None, None]


async def test_netrc_and_http_proxy_are_not_read(
    session: GrantSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No credentials of `.netrc` are sent."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login netrc password netrc\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with AuthorizationServer(granted()) as server:
        await send(session, registration(XSUAA, token_url=server.url))
    assert server.requests[0].field("Authorization") is None


@cases(
    "fault, kind, detail",
    (Fault.HANG_UP, GrantUnavailable, "ended the connection without an answer; try again later."),
    (Fault.RESET, GrantUnavailable, "ended the connection without an answer; try again later."),
    (Fault.CUT_SHORT, GrantUnavailable, "ended the connection in the middle of its answer; try again later."),
    (Fault.GARBAGE, GrantMalformed, "answered with something that is not HTTP: check token_url."),
    (Fault.HANG, GrantTimeout, "did not answer within 0.05 s; try again later."),
)
async def test_a_server_that_does_not_answer_fails_as(
    session: GrantSession, fault: Fault, kind: Any, detail: str
) -> None:
    """The sentence says what the server did."""
    async with AuthorizationServer(fault) as server:
        timeout = 0.05 if fault is Fault.HANG else 10.0
        assert await detail_of(session, registration(token_url=server.url, timeout=timeout), kind) == detail


@cases("addresses", ["127.0.0.1"], ["127.0.0.1", "127.0.0.2"])
async def test_a_closed_port_is_told_in_the_words_of_the_system(
    session: GrantSession, monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    """With several addresses the reason of the last one is told."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]

        def found(*_: Any, **__: Any) -> Any:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses]

        monkeypatch.setattr(socket, "getaddrinfo", found)
        detail = await detail_of(session, registration(token_url=f"http://as.example:{port}/t"), GrantUnavailable)
    assert detail == "cannot be reached (Connection refused): check token_url and the firewall."


async def test_a_name_that_cannot_be_resolved_is_told(session: GrantSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence tells DNS from a closed port."""

    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    detail = await detail_of(session, registration(token_url="http://as.invalid/t"), GrantUnavailable)
    assert detail == "cannot be reached (its name cannot be resolved): check token_url and the firewall."


async def test_a_closed_session_opens_again(session: GrantSession) -> None:
    """Closing twice does no harm."""
    async with AuthorizationServer(granted()) as server:
        await send(session, registration(token_url=server.url))
        await session.close()
        await session.close()
        assert (await send(session, registration(token_url=server.url))).status == 200


@cases("cut", len(ANSWER), 1, 30)
def test_an_answer_that_came_while_the_process_was_stopped_is_read(cut: int) -> None:
    """The timeout fires only after the received bytes are read."""

    async def grant(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER[:cut])
        leaping().leap(100)
        await asyncio.sleep(0)
        writer.write(ANSWER[cut:])
        writer.close()
        await writer.wait_closed()
        ended.set()

    ended = asyncio.Event()

    async def scenario() -> None:
        server = await asyncio.start_server(grant, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/token"
        async with server, GrantSession(environ={}) as session:
            assert (await send(session, registration(token_url=url, timeout=10))).body == b"{}"
            await ended.wait()

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.run(scenario())
