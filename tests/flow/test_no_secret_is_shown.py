"""No secret, token, credential, cookie of ours or message is in anything that the process writes, whatever happens.

Each secret is a canary. A proxy at log level debug goes through successes and failures; then everything that it wrote
is searched for each canary, plain and in the encodings in which it could slip through.
"""

import asyncio
import base64
import json
import ssl
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import quote

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from proxy.config.load import ConfigurationError, load
from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer, Fault, Reply, granted, refused
from tests.fakes.sender import Sender, chunked, request
from tests.fakes.upstream import Upstream, answer, hang, hang_up
from tests.flow.canaries import found, representations
from tests.flow.running import Document, Running, Serve, until

SECRET, NEXT, OTHER, CORPORATE = "cAnAry$ecret+1", "cAnAry/next=2", "cAnAry!other|3", "cAnAryCorporate4"
TOKENS = [f"cAnAryToken{number}.abc-_def" for number in range(1, 9)]
BASIC = base64.b64encode(b"sender:cAnAryPassword5").decode()
TICKET, R3AUTH, SENT_COOKIE = "cAnAryTicket6", "cAnAryR3auth7", "cAnAryCookie8"
NONCE, SESSION = "CANARYNONCE9", "cAnArySession10"
MESSAGE, QUERY, SET_FIELD = "cAnAryMessage11", "cAnAryQuery12", "cAnAryField13"
CANARIES = [
    *(SECRET, NEXT, OTHER, CORPORATE, *TOKENS, BASIC, "cAnAryPassword5", TICKET, R3AUTH, SENT_COOKIE),
    *(NONCE, SESSION, MESSAGE, QUERY, SET_FIELD),
]


@cases("canary", *CANARIES)
def test_the_search_finds_what_is_hidden(canary: str) -> None:
    """And nothing where nothing is."""
    for text in (
        canary,
        f"https://host/{quote(canary, safe='')}?x",
        base64.b64encode(f"id:{canary}".encode()).decode(),
        base64.b64encode(f"user:{canary}:more".encode()).decode(),
        base64.urlsafe_b64encode(f"{canary}!".encode()).decode(),
        canary.encode().hex(),
    ):
        assert found([canary], f"before {text} after") == [canary]
    assert found([canary], "canary Bearer secret " + base64.b64encode(b"something else").decode()) == []


class World:
    """Scripted servers, and every canary in its place."""

    def __init__(self, upstream: Upstream, servers: dict[str, AuthorizationServer], folder: Path) -> None:
        self.upstream, self.servers = upstream, servers
        issuer = trustme.CA()
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        (folder / "signing.pem").write_text(pem)
        self.certificate = issuer.issue_cert("oauth-client")
        issuer.cert_pem.write_to_path(folder / "issuer.pem")
        self.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        issuer.issue_cert("127.0.0.1").configure_cert(self.tls)
        key_pem = self.certificate.private_key_pem.bytes().decode()
        self.key_lines = [line for text in (pem, key_pem) for line in text.splitlines() if "---" not in line]

    def document(self) -> Document:
        """An OAuth client and a route for each authentication."""
        chain = "".join(blob.bytes().decode() for blob in self.certificate.cert_chain_pems)
        key = self.certificate.private_key_pem.bytes().decode()
        service_key = {
            "oauth": {
                "clientid": "sb-1!b2|it!b3",
                "certificate": chain,
                "key": key,
                "tokenurl": self.servers["certificate"].url,
                "url": self.upstream.url,
            }
        }
        neo = {"provider": "neo", "client_id": "id"}
        clients = {
            "good": {**neo, "client_secret": SECRET, "client_secret_next": NEXT},
            "posting": {"provider": "generic", "client_id": "id", "client_secret": OTHER,
                        "token_endpoint_auth_method": "client_secret_post", "timeout": "200ms"},
            "echoing": {"client_id": "id", "client_secret": OTHER},
            "html": {"client_id": "id", "client_secret": OTHER},
            "mute": {"client_id": "id", "client_secret": OTHER, "timeout": "50ms"},
            "signing": {"client_id": "id", "token_endpoint_auth_method": "private_key_jwt",
                        "private_key_file": "signing.pem"},
            "corporate": {"client_id": "id", "client_secret": SECRET, "timeout": "200ms",
                          "proxy_url": f"http://user:{CORPORATE}@127.0.0.1:1"},
            "certificate": {"service_key": json.dumps(service_key), "timeout": "200ms"},
        }  # fmt: skip
        for name, client in clients.items():
            if name != "certificate":
                client["token_url"] = self.servers[name].url if name in self.servers else "https://dark.invalid/token"
        routes = [
            {"path": f"/{name}", "upstream": f"{self.upstream.url}/http/{name}", "oauth_client": name,
             "set_fields": {"X-Api-Key": SET_FIELD}, "buffer": "1KiB", "max_body": "100KiB", "timeout": "60s"}
            for name in clients
        ]  # fmt: skip
        tunnel = {"proxy_url": f"http://user:{CORPORATE}@127.0.0.1:1"}
        routes.append({"path": "/tunnel", "upstream": "https://dark.invalid", "oauth_client": "good", **tunnel})
        routes.append({"path": "/nobody", "upstream": "http://127.0.0.1:1", "oauth_client": "good"})
        routes.append({"path": "/dark", "upstream": "https://dark.invalid", "oauth_client": "good"})
        return {
            "listen": "127.0.0.1:0",
            "admin": "127.0.0.1:0",
            "log": {"level": "debug"},
            "oauth_clients": clients,
            "routes": routes,
        }


def message(start: bytes, *fields: bytes, size: int = 0) -> bytes:
    """A message with every canary that a sender can bring."""
    own = (
        b"Authorization: Basic " + BASIC.encode(),
        b"MYSAPSSO2: " + TICKET.encode(),
        b"SAP-R3AUTH: " + R3AUTH.encode(),
        b"Cookie: MYSAPSSO2=" + SENT_COOKIE.encode(),
    )
    return request(start + b"?q=" + QUERY.encode(), *own, *fields, body=MESSAGE.encode() + b"x" * size)


REQUIRED = answer(403, b"X-CSRF-Token: Required")
FETCHED = answer(200, f"X-CSRF-Token: {NONCE}".encode(), f"Set-Cookie: S={SESSION}; Path=/".encode())
MOVED = answer(200, f"Set-Cookie: S={SESSION}; Path=/; Secure".encode())


async def successes(proxy: Running, world: World) -> list[bytes]:
    """Delivered, renewed, with a CSRF handshake."""
    world.upstream.follow(answer(), REQUIRED, FETCHED, MOVED, answer(401), answer(), answer())
    seen = [await asked(proxy, message(b"POST /good")) for _ in range(2)]
    proxy.clock.advance(60)
    seen += [await asked(proxy, message(b"POST /good")) for _ in range(2)]
    return [*seen, await asked(proxy, message(b"POST /signing"))]


async def failures_of_upstreams(proxy: Running, world: World) -> list[bytes]:
    """Everything that can go wrong behind us."""
    seen = []
    for line in (
        hang_up,
        answer(500, body=b"MPL"),
        answer(401, b"WWW-Authenticate: Bearer"),
        answer(200, b"Content-Length: 7"),
        answer(200, b"Broken\x00field: x"),
    ):
        world.upstream.follow(line)
        seen += [await asked(proxy, message(b"POST /good", size=size)) for size in (0, 5000)]
    world.upstream.follow(hang)
    waiting, gone, before = await proxy.sender(), await proxy.sender(), len(world.upstream.requests)
    await waiting.send(message(b"POST /good"))
    await gone.send(message(b"POST /good"))
    await world.upstream.reach(before + 2)
    gone.reset()
    await until(lambda: all(each.body == MESSAGE.encode() for each in world.upstream.requests[-2:]))
    proxy.clock.advance(61)
    seen.append(await read(waiting))
    return seen + [await asked(proxy, message(b"POST /" + name)) for name in (b"nobody", b"dark", b"tunnel")]


async def failures_of_grants(proxy: Running) -> list[bytes]:
    """Every way to get no token."""
    names = (b"posting", b"echoing", b"html", b"mute", b"corporate", b"certificate")
    return [await asked(proxy, message(b"POST /" + name)) for name in names for _ in range(2)]


async def failures_of_senders(proxy: Running) -> list[bytes]:
    """Every refusal."""
    whole = message(b"POST /good")
    canaries = f"{SECRET}{TICKET}{MESSAGE}".encode()
    return [
        await asked(proxy, octets)
        for octets in (
            message(b"POST /nowhere/"),  # the query holds a canary; the path itself is logged
            message(b"POST /good/../"),
            message(b"POST /good", b"Expect: " + MESSAGE.encode()),
            message(b"POST /good", b"Transfer-Encoding: chunked"),
            message(b"POST /good", size=200_000),
            message(b"CONNECT " + TICKET.encode()),
            message(b"TRACE /good"),
            message(b"POST http://user:" + canaries + b"@other.example/"),
            whole.replace(b" HTTP/1.1", b" HTTP/2.0"),
            whole.replace(b"Host: ", b"Host: " + TICKET.encode() + b"\x00"),
            whole.replace(b"\r\nMYSAPSSO2: ", b"\r\n MYSAPSSO2: "),
            whole.replace(b"MYSAPSSO2: ", b"MYSAPSSO2 "),
            TICKET.encode() + b" " + MESSAGE.encode() + b"\r\n\r\n",
            request(b"POST /good", b"Transfer-Encoding: chunked") + b"5\r\n" + canaries + b"\r\n",
            request(b"POST /good", b"Transfer-Encoding: chunked") + chunked(canaries)[:-5] + canaries + b"\r\n\r\n",
        )
    ]


async def asked(proxy: Running, octets: bytes) -> bytes:
    """What a sender of these octets reads."""
    sender = await proxy.begin(octets)
    return await read(sender)


async def read(sender: Sender) -> bytes:
    """An answer, or what is left of it, as octets."""
    try:
        answered = await sender.answer()
    except (ConnectionError, asyncio.IncompleteReadError) as error:
        return repr(getattr(error, "partial", error)).encode()
    finally:
        sender.leave()
    return b"\r\n".join([answered.start, *(b": ".join(each) for each in answered.fields), b"", answered.body])


def crash(proxy: Running) -> None:
    """Breaks a part of the proxy."""
    for route in proxy.app._generation.context.routes:
        if route.settings.name == "good":
            object.__setattr__(route, "set_lines", (None,))


async def test_nothing_that_is_written_holds_a_canary(
    serve: Serve, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """All that the process writes is searched."""
    echo = {"error": "invalid_client", "error_description": f"{OTHER} is wrong", "error_uri": f"https://x/{OTHER}"}
    scripts: dict[str, tuple[Reply | Fault, ...]] = {
        "good": (refused(401, error=SECRET), *map(granted, TOKENS)),
        "posting": (Reply(status=503, body=OTHER.encode()),),
        "echoing": (refused(401, **echo), refused(400, error=OTHER)),
        "html": (Reply(body=f"<html>{OTHER}".encode()), granted(f"{TOKENS[0]}\r\nX: y")),
        "mute": (Fault.HANG,),
        "signing": (granted(TOKENS[7]),),
        "certificate": (Fault.RESET,),
    }
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(Upstream())
        servers = {
            name: await stack.enter_async_context(AuthorizationServer(*script)) for name, script in scripts.items()
        }
        world = World(upstream, servers, tmp_path)
        proxy = await serve(world.document())
        answers = await successes(proxy, world)
        answers += await failures_of_upstreams(proxy, world)
        upstream.follow(answer())
        answers += await failures_of_grants(proxy)
        answers += await failures_of_senders(proxy)
        crash(proxy)
        answers.append(await asked(proxy, message(b"POST /good")))
        pages = [(await proxy.ask_admin(path))[1] for path in ("/metrics", "/status", "/readyz")]
        shown = representations(proxy)
        await proxy.lines.reach("exchange.crashed")
        await proxy.stop()
    sent = [server.requests for server in servers.values()]
    assertions = [value for received in sent for each in received for value in each.form.values() if "." in value]
    captured = capfd.readouterr()
    written = {
        "log": "\n".join(proxy.lines.text),
        "answers": b"\n".join(answers).decode("latin-1"),
        "admin": "\n".join(pages),
        "representations": shown,
        "standard error": captured.err + captured.out + caplog.text,
    }
    assert len(assertions) > 0
    canaries = [*CANARIES, *world.key_lines, *assertions]
    assert {name: found(canaries, text) for name, text in written.items()} == {name: [] for name in written}
    codes = {line.get("code") for line in proxy.lines.named("exchange.finished")}
    assert codes >= {
        None, "upstream_closed", "upstream_timeout", "upstream_malformed", "upstream_unreachable", "grant_rejected",
        "grant_malformed", "grant_timeout", "grant_unavailable", "route_unknown", "target_outside_route",
        "expectation_unknown", "request_malformed", "body_too_large", "connect_refused", "method_not_allowed",
        "version_unsupported",
    }  # fmt: skip


def test_a_wrong_configuration_is_told_without_its_secrets(tmp_path: Path) -> None:
    """Wherever a secret was written by mistake."""
    document = {
        "oauth_clients": {
            "a": {"token_url": f"http://x/?client_secret={SECRET}", "client_id": "i", "client_secret": [SECRET]},
            "b": {"client_secrets": SECRET, "service_key": f'{{"oauth": "{OTHER}"}}', "scopes": {"x": NEXT}},
            "c": {
                "token_url": f"https://user:{CORPORATE}@x/",
                "proxy_url": f"ftp://u:{CORPORATE}@x",
                "timeout": SECRET,
            },
        },
        "routes": [{"path": "/a", "upstream": f"https://u:{CORPORATE}@x", "oauth_client": "a", "set_fields": [OTHER]}],
    }
    path = tmp_path / "wrong.yaml"
    path.write_text(json.dumps(document))
    with pytest.raises(ConfigurationError) as caught:
        load(path, {"X": SECRET})
    assert len(caught.value.problems) >= 6
    assert found(CANARIES, f"{caught.value} {caught.value!r} {caught.value.problems}") == []
