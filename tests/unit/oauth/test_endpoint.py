"""Token requests on real sockets."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import SecretStr

from proxy import __version__
from proxy.config.model import AuthMethod, OAuthClient, Tls
from proxy.errors import AuthorizationServerError, GrantMalformed, GrantTimeout, GrantUnavailable
from proxy.oauth.answer import MAX_BODY, Answer
from proxy.oauth.client_auth import client_auths
from proxy.oauth.endpoint import TokenEndpoint
from proxy.oauth.grant import GrantRequest, grant_request
from tests.fakes.authorization_server import AuthorizationServer, Fault, Reply, granted
from tests.unit.oauth.connect_proxy import ConnectProxy
from tests.unit.oauth.registrations import NEO, XSUAA, registration


@pytest.fixture
async def endpoint() -> AsyncIterator[TokenEndpoint]:
    """Reaches servers without any corporate proxy."""
    async with TokenEndpoint(environ={}) as made:
        yield made


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    """Hold the test authority's certificate."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    """Make what the authorization server presents; it asks for a client certificate without insisting."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def request_of(client: OAuthClient) -> GrantRequest:
    """Return the request as the client makes it."""
    (auth,) = client_auths(client, wall=lambda: 0.0, new_id=lambda: "id")
    return auth.amend(grant_request(client))


async def send(endpoint: TokenEndpoint, client: OAuthClient) -> Answer:
    """Send one token request."""
    return await endpoint.channel(client).send(request_of(client))


async def failure_of(endpoint: TokenEndpoint, client: OAuthClient) -> AuthorizationServerError:
    """Return what sending fails with."""
    with pytest.raises(AuthorizationServerError) as caught:
        await send(endpoint, client)
    assert caught.value.__cause__ is not None
    return caught.value


def who(client: OAuthClient) -> str:
    """Begin a sentence."""
    return f"The token endpoint {grant_request(client).host} of OAuth client orders"


async def test_neo_receives_a_post_with_query_and_empty_body(endpoint: TokenEndpoint) -> None:
    """Method, target, fields and body on the wire are what SAP's own client sends."""
    async with AuthorizationServer(granted()) as server:
        client = registration(NEO, token_url=server.url + "?tenant=%2fA", client_secret=SecretStr("a:b"))
        await send(endpoint, client)
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


async def test_xsuaa_receives_a_form(endpoint: TokenEndpoint) -> None:
    """Parameters and secret are in the body, every letter as it is."""
    async with AuthorizationServer(granted()) as server:
        await send(endpoint, registration(XSUAA, token_url=server.url, client_secret=SecretStr("a+b %ä&=")))
    (received,) = server.requests
    assert received.target == "/oauth/token"
    assert received.field("Content-Type") == "application/x-www-form-urlencoded"
    assert received.form == {
        "grant_type": "client_credentials",
        "client_id": "sb-1!b2|it-rt-x!b3",
        "client_secret": "a+b %ä&=",
    }


async def test_the_answer_is_returned_as_it_is(endpoint: TokenEndpoint) -> None:
    """Status, content type, Retry-After and body, also of an error."""
    fields = (("Content-Type", "text/html"), ("Retry-After", "9"))
    async with AuthorizationServer(Reply(status=503, fields=fields, body=b"<p>")) as server:
        found = await send(endpoint, registration(token_url=server.url))
    assert found == Answer(status=503, content_type="text/html", retry_after="9", body=b"<p>")


async def test_a_redirect_is_not_followed(endpoint: TokenEndpoint) -> None:
    """The credentials stay with the host that they are for."""
    async with AuthorizationServer(granted()) as other:
        redirect = Reply(status=307, fields=(("Location", other.url),))
        async with AuthorizationServer(redirect) as server:
            assert (await send(endpoint, registration(token_url=server.url))).status == 307
    assert (len(server.requests), other.requests) == (1, [])


async def test_no_cookie_is_kept(endpoint: TokenEndpoint) -> None:
    """What a server sets in one answer is not in the next request."""
    reply = Reply(fields=(("Set-Cookie", "session=1; Path=/"),), body=b"{}")
    async with AuthorizationServer(reply) as server:
        for _ in range(2):
            await send(endpoint, registration(token_url=server.url))
    assert [each.field("Cookie") for each in server.requests] == [None, None]


async def test_netrc_and_http_proxy_are_not_read(
    endpoint: TokenEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither puts credentials or a proxy in our way."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login netrc password netrc\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with AuthorizationServer(granted()) as server:
        await send(endpoint, registration(XSUAA, token_url=server.url))
    assert server.requests[0].field("Authorization") is None


async def test_a_body_is_read_to_one_byte_beyond_the_limit(endpoint: TokenEndpoint) -> None:
    """However long it is, so that its reader can see that it was too long."""
    async with AuthorizationServer(Reply(body=b" " * (3 * MAX_BODY))) as server:
        assert len((await send(endpoint, registration(token_url=server.url))).body) == MAX_BODY + 1


@pytest.mark.parametrize(
    ("fault", "kind", "what"),
    [
        (Fault.HANG_UP, GrantUnavailable, "ended the connection without an answer; try again later."),
        (Fault.RESET, GrantUnavailable, "ended the connection without an answer; try again later."),
        (Fault.CUT_SHORT, GrantUnavailable, "ended the connection in the middle of its answer; try again later."),
        (Fault.GARBAGE, GrantMalformed, "answered with something that is no HTTP: check token_url."),
    ],
)
async def test_a_broken_connection_fails_as(endpoint: TokenEndpoint, fault: Fault, kind: Any, what: str) -> None:
    """The sentence says what the server did."""
    async with AuthorizationServer(fault) as server:
        client = registration(token_url=server.url)
        failure = await failure_of(endpoint, client)
    assert (type(failure), failure.detail) == (kind, f"{who(client)} {what}")


async def test_a_server_that_says_nothing_is_a_timeout(endpoint: TokenEndpoint) -> None:
    """After the OAuth client's own timeout."""
    async with AuthorizationServer(Fault.HANG) as server:
        client = registration(token_url=server.url, timeout=0.05)
        failure = await failure_of(endpoint, client)
    assert type(failure) is GrantTimeout
    assert failure.detail == f"{who(client)} did not answer within 0.05 s; try again later."


async def test_nobody_there_is_refused(endpoint: TokenEndpoint) -> None:
    """The system's own words say why."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        client = registration(token_url=f"http://127.0.0.1:{reserved.getsockname()[1]}/t")
        failure = await failure_of(endpoint, client)
    assert type(failure) is GrantUnavailable
    assert failure.detail.startswith(f"{who(client)} cannot be reached (")
    assert failure.detail.endswith("): check token_url and the firewall.")


async def test_a_name_that_does_not_resolve_is_named(endpoint: TokenEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence tells DNS from the firewall."""

    async def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    client = registration(token_url="http://as.invalid/t")
    failure = await failure_of(endpoint, client)
    assert failure.detail == f"{who(client)} cannot be reached (its name does not resolve): check token_url and DNS."


async def test_an_untrusted_certificate_is_refused_with_openssls_reason(
    endpoint: TokenEndpoint, tls: ssl.SSLContext
) -> None:
    """Without the authority nothing is sent."""
    async with AuthorizationServer(granted(), tls=tls) as server:
        client = registration(token_url=server.url)
        failure = await failure_of(endpoint, client)
    assert type(failure) is GrantUnavailable
    assert failure.detail.startswith(f"{who(client)} shows a certificate that is not trusted (")
    assert "certificate" in failure.detail.split("(")[1]
    assert server.requests == []


async def test_a_port_that_speaks_no_tls_ends_the_handshake(endpoint: TokenEndpoint) -> None:
    """The sentence says that TLS is the trouble."""
    async with AuthorizationServer(granted()) as server:
        client = registration(token_url=server.url.replace("http:", "https:"), timeout=5.0)

        async def speak(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"220 smtp.example ESMTP\r\n")
            await writer.drain()
            writer.close()

        other = await asyncio.start_server(speak, "127.0.0.1", 0)
        port = other.sockets[0].getsockname()[1]
        failure = await failure_of(endpoint, client.model_copy(update={"token_url": f"https://127.0.0.1:{port}/t"}))
        other.close()
        await other.wait_closed()
    assert failure.detail.startswith(f"{who(client)} ended the TLS handshake (")


async def test_the_configured_authority_is_trusted(endpoint: TokenEndpoint, tls: ssl.SSLContext, ca_file: Path) -> None:
    """And no certificate is presented where none is configured."""
    async with AuthorizationServer(granted(), tls=tls) as server:
        await send(endpoint, registration(token_url=server.url, tls=Tls(ca_file=ca_file)))
    assert server.requests[0].certificate is None


async def test_the_systems_authorities_are_those_of_ssl_cert_file(
    endpoint: TokenEndpoint, tls: ssl.SSLContext, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One context is built for all OAuth clients without trust of their own."""
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))
    async with AuthorizationServer(granted(), tls=tls) as server:
        client = registration(token_url=server.url)
        await send(endpoint, client)
        monkeypatch.delenv("SSL_CERT_FILE")
        await send(endpoint, client)
    assert len(server.requests) == 2


async def test_a_certificate_that_cannot_be_loaded_is_named(endpoint: TokenEndpoint, tmp_path: Path) -> None:
    """The failure names the OAuth client and the system's reason."""
    client = registration(tls=Tls(ca_file=tmp_path / "missing.pem"))
    failure = await failure_of(endpoint, client)
    assert type(failure) is GrantUnavailable
    assert failure.detail == (
        "The certificates of OAuth client orders cannot be used (No such file or directory): "
        "check tls and the service key."
    )


@pytest.mark.parametrize("is_in_key", [True, False])
async def test_a_client_certificate_is_presented_with_its_chain(
    endpoint: TokenEndpoint,
    authority: trustme.CA,
    tls: ssl.SSLContext,
    ca_file: Path,
    tmp_path: Path,
    is_in_key: bool,  # noqa: FBT001
) -> None:
    """The server accepts a certificate whose issuer it learns from us; the body holds the id and no secret."""
    intermediate = authority.create_child_ca()
    made = intermediate.issue_cert("client@cpi.example", common_name="sb-1")
    chain = "".join(each.bytes().decode() for each in made.cert_chain_pems)
    key = made.private_key_pem.bytes().decode()
    if is_in_key:
        identity: dict[str, Any] = {
            "certificate": SecretStr(chain.replace("\n", "\\n")),
            "private_key": SecretStr(key.replace("\n", "\\n")),
            "tls": Tls(ca_file=ca_file),
        }
    else:
        (tmp_path / "cert.pem").write_text(chain)
        (tmp_path / "key.pem").write_text(key)
        files = {"cert_file": tmp_path / "cert.pem", "key_file": tmp_path / "key.pem"}
        identity = {"tls": Tls(ca_file=ca_file, **files)}
    tls.verify_mode = ssl.CERT_REQUIRED
    async with AuthorizationServer(granted(), tls=tls) as server:
        client = registration(
            XSUAA, token_url=server.url, token_endpoint_auth_method=AuthMethod.TLS_CLIENT_AUTH, **identity
        )
        await send(endpoint, client)
    (received,) = server.requests
    assert received.certificate is not None
    assert (("commonName", "sb-1"),) in received.certificate["subject"]
    assert received.form == {"grant_type": "client_credentials", "client_id": "sb-1!b2|it-rt-x!b3"}


async def test_a_corporate_proxy_tunnels_and_sees_no_secret(tls: ssl.SSLContext, ca_file: Path) -> None:
    """It gets CONNECT with its own credentials; the server gets none of these."""
    async with ConnectProxy() as corporate, AuthorizationServer(granted(), tls=tls) as server:
        client = registration(
            NEO,
            token_url=server.url,
            tls=Tls(ca_file=ca_file),
            proxy_url=SecretStr(f"http://j%C3%B6rg:pw@127.0.0.1:{corporate.port}"),
        )
        async with TokenEndpoint(environ={}) as endpoint:
            await send(endpoint, client)
    (head,) = corporate.heads
    assert head.startswith(f"CONNECT 127.0.0.1:{server.port} HTTP/1.1\r\n")
    assert "Proxy-Authorization: Basic asO2cmc6cHc=\r\n" in head
    assert "\r\nAuthorization:" not in head
    assert server.requests[0].field("Proxy-Authorization") is None


@pytest.mark.parametrize("status", [403, 407, 502])
async def test_a_corporate_proxy_that_refuses_is_named(status: int) -> None:
    """The sentence blames the proxy, and not the token endpoint."""
    async with ConnectProxy(status) as corporate:
        environ = {"HTTPS_PROXY": f"http://127.0.0.1:{corporate.port}"}
        async with TokenEndpoint(environ=environ) as endpoint:
            failure = await failure_of(endpoint, registration())
    assert failure.detail == f"The corporate proxy refused the way to as.example with {status}: check proxy_url."


async def test_a_corporate_proxy_that_is_not_there_is_named() -> None:
    """Its address and credentials are not shown."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        environ = {"HTTPS_PROXY": f"http://u:canary@127.0.0.1:{reserved.getsockname()[1]}"}
        async with TokenEndpoint(environ=environ) as endpoint:
            failure = await failure_of(endpoint, registration())
    assert failure.detail.startswith("The corporate proxy cannot be reached (")
    assert "canary" not in failure.detail


async def test_a_closed_endpoint_can_be_closed_again_and_opens_a_new_session(endpoint: TokenEndpoint) -> None:
    """Closing is harmless at any time."""
    async with AuthorizationServer(granted()) as server:
        await send(endpoint, registration(token_url=server.url))
        await endpoint.close()
        await endpoint.close()
        assert (await send(endpoint, registration(token_url=server.url))).status == 200
