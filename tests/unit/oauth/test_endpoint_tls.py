"""Token requests over TLS and through corporate proxies."""

import asyncio
import errno
import socket
import ssl
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme
from pydantic import SecretStr

from proxy.config.model import AuthMethod, Tls
from proxy.errors import AuthorizationServerError, GrantUnavailable
from proxy.oauth.endpoint import GrantSession
from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer, granted
from tests.unit.oauth.connect_proxy import connect_proxy
from tests.unit.oauth.registrations import NEO, XSUAA, registration
from tests.unit.oauth.sending import detail_of, failure_of, send


async def test_an_untrusted_certificate_is_refused_with_openssls_reason(
    session: GrantSession, tls: ssl.SSLContext
) -> None:
    """Nothing is sent to a server whose authority is not trusted."""
    async with AuthorizationServer(granted(), tls=tls) as server:
        detail = await detail_of(session, registration(token_url=server.url), GrantUnavailable)
    assert detail.startswith("presented a certificate that is not accepted (")
    assert "certificate" in detail.split("(")[1]
    assert server.requests == []


async def test_a_port_without_tls_ends_the_handshake(session: GrantSession) -> None:
    """The sentence says that TLS is the trouble."""

    async def speak(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 smtp.example ESMTP\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/t"
        detail = await detail_of(session, registration(token_url=url, timeout=5.0), GrantUnavailable)
    assert detail.startswith("ended the TLS handshake (")
    assert detail.endswith("; does it speak https, and TLS 1.2 or newer, and does it require a certificate (`tls`)?")


async def test_the_configured_authority_is_trusted(session: GrantSession, tls: ssl.SSLContext, ca_file: Path) -> None:
    """No certificate is presented if none is configured."""
    async with AuthorizationServer(granted(), tls=tls) as server:
        await send(session, registration(token_url=server.url, tls=Tls(ca_file=ca_file)))
    assert server.requests[0].certificate is None


async def test_the_systems_authorities_are_those_of_ssl_cert_file(
    session: GrantSession, tls: ssl.SSLContext, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All OAuth clients without a `tls` of their own share one context."""
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))
    async with AuthorizationServer(granted(), tls=tls) as server:
        client = registration(token_url=server.url)
        await send(session, client)
        monkeypatch.delenv("SSL_CERT_FILE")
        await send(session, client)
    assert len(server.requests) == 2


async def test_a_certificate_that_cannot_be_loaded_is_named(session: GrantSession, tmp_path: Path) -> None:
    """With the system's reason."""
    path = tmp_path / "missing.pem"
    assert await detail_of(session, registration(tls=Tls(ca_file=path)), GrantUnavailable) == (
        f"The certificates of OAuth client orders cannot be used ({path}: No such file or directory): "
        "check tls and the service key."
    )


async def test_a_lack_of_file_descriptors_does_not_blame_certificates(
    session: GrantSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence names the limit."""

    def exhausted(_client: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("proxy.oauth.endpoint.own_trust", exhausted)
    detail = await detail_of(session, registration(tls=Tls(ca_file=Path("x"))), GrantUnavailable)
    assert detail == "All file descriptors are in use (see `ulimit -n`); try again later."


async def test_an_end_of_tls_without_an_answer_suggests_a_certificate(
    session: GrantSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With TLS 1.3 a server refuses the client only after the handshake (RFC 8446 §4.4.2.4)."""

    async def refused(*_: object, **__: object) -> None:
        raise aiohttp.ClientOSError(1, "alert") from ssl.SSLError(1, "TLSV13_ALERT_CERTIFICATE_REQUIRED")

    monkeypatch.setattr(aiohttp.ClientSession, "_request", refused)
    detail = await detail_of(session, registration(), GrantUnavailable)
    assert detail == "ended TLS without an answer: if it requires a certificate, set the OAuth client's `tls`."


@cases("is_in_key", True, False)
async def test_a_client_certificate_is_presented_with_its_chain(
    session: GrantSession,
    authority: trustme.CA,
    tls: ssl.SSLContext,
    ca_file: Path,
    tmp_path: Path,
    is_in_key: bool,
) -> None:
    """The body has the id and no secret."""
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
        await send(session, client)
    (received,) = server.requests
    assert received.certificate is not None
    assert (("commonName", "sb-1"),) in received.certificate["subject"]
    assert received.form == {"grant_type": "client_credentials", "client_id": "sb-1!b2|it-rt-x!b3"}


async def test_a_corporate_proxy_tunnels_and_sees_no_secret(tls: ssl.SSLContext, ca_file: Path) -> None:
    """The server does not get the proxy's credentials."""
    async with connect_proxy() as corporate, AuthorizationServer(granted(), tls=tls) as server:
        client = registration(
            NEO,
            token_url=server.url,
            tls=Tls(ca_file=ca_file),
            proxy_url=SecretStr(f"http://j%C3%B6rg:pw@127.0.0.1:{corporate.port}"),
        )
        async with GrantSession(environ={}) as session:
            await send(session, client)
    (head,) = corporate.heads
    assert head.startswith(f"CONNECT 127.0.0.1:{server.port} HTTP/1.1\r\n")
    assert "Proxy-Authorization: Basic asO2cmc6cHc=\r\n" in head
    assert "\r\nAuthorization:" not in head
    assert server.requests[0].field("Proxy-Authorization") is None


@cases(
    "credentials, fields, words",
    ("", (), "wants credentials; put them into `proxy_url`"),
    ("u:canary@", ("Proxy-Authenticate: Basic realm=x",), "refuses the credentials"),
    (
        "u:canary@",
        ("Proxy-Authenticate: NTLM", "Proxy-Authenticate: Negotiate"),
        "wants NTLM or Negotiate: credentials are configured; this proxy takes Basic only",
    ),
)
async def test_a_corporate_proxy_that_wants_credentials_says_which(
    credentials: str, fields: tuple[str, ...], words: str
) -> None:
    """Missing ones, wrong ones, or those of no use."""
    async with connect_proxy(407, *fields) as corporate:
        failure = await failure_through(f"{credentials}127.0.0.1:{corporate.port}")
    assert failure.detail.startswith(f"The corporate proxy on the way to as.example {words}")
    assert failure.definite


@cases("status, definite", (403, True), (502, False))
async def test_a_corporate_proxy_that_refuses_is_blamed(status: int, *, definite: bool) -> None:
    """What it forbids is not tried again at once."""
    async with connect_proxy(status) as corporate:
        failure = await failure_through(f"127.0.0.1:{corporate.port}")
    assert failure.detail == f"The corporate proxy refused to connect to as.example with {status}: check proxy_url."
    assert failure.definite is definite


async def test_a_corporate_proxy_that_is_not_there_is_blamed() -> None:
    """The sentence shows neither its address nor its credentials."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        failure = await failure_through(f"u:canary@127.0.0.1:{reserved.getsockname()[1]}")
    assert failure.detail == "The corporate proxy cannot be reached (Connection refused): check proxy_url."


async def failure_through(proxy: str) -> AuthorizationServerError:
    """What sending through this corporate proxy fails with; its password is not shown."""
    async with GrantSession(environ={"HTTPS_PROXY": f"http://{proxy}"}) as session:
        failure = await failure_of(session, registration())
    assert "canary" not in failure.detail
    return failure
