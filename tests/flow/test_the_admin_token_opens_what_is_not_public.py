"""Whatever shows or changes messages needs the admin token, or the cookie that the console's URL sets."""

import asyncio
import base64
from pathlib import Path

import pytest

from proxy.admin.sessions import LIFETIME
from proxy.console.site import Console
from tests.cases import cases
from tests.flow.admin import BEARER, TOKEN, ask, tokened
from tests.flow.running import Document, NewExtension, Orders, Running, Serve, until

CONSOLE = b"GET /console/"
OPEN = b"GET /console/?token=" + TOKEN.encode()
FOREIGN = b"Sec-Fetch-Site: cross-site"
PROTECTING = {
    b"Server": b"cpi-oauth-proxy",
    b"Cache-Control": b"no-store",
    b"Content-Security-Policy": b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    b" img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    b"Cross-Origin-Opener-Policy": b"same-origin",
    b"Cross-Origin-Resource-Policy": b"same-origin",
    b"Referrer-Policy": b"no-referrer",
    b"X-Content-Type-Options": b"nosniff",
    b"X-Frame-Options": b"DENY",
}


@pytest.fixture
def new_extension() -> NewExtension:
    """The console."""
    return Console


@pytest.fixture
def settings(first: Document, tmp_path: Path) -> Document:
    """A configuration with a token of its own."""
    return tokened(first, tmp_path)


@pytest.fixture
async def proxy(serve: Serve, settings: Document) -> Running:
    """A proxy with that token."""
    return await serve(settings)


async def cookie(proxy: Running) -> bytes:
    """The Cookie field of a browser with the console's URL."""
    (found,) = (await ask(proxy, OPEN)).field(b"Set-Cookie")
    return b"Cookie: " + found.partition(b";")[0]


@cases(
    "line, fields, host, status",
    (CONSOLE, [BEARER], b"evil.example", 421),
    (OPEN, [], b"evil.example", 421),
    (b"GET /nowhere", [FOREIGN], b"10.1.2.3", 421),
    (CONSOLE + b" HTTP/1.0", [BEARER], None, 421),
    (CONSOLE, [BEARER, b"Host: localhost"], b"localhost", 400),
    (CONSOLE, [BEARER, FOREIGN], b"localhost", 403),
    (CONSOLE, [BEARER, b"Origin: null"], b"localhost", 403),
    (OPEN, [FOREIGN], b"localhost", 403),
    (b"GET /nowhere", [FOREIGN], b"localhost", 403),
    (CONSOLE, [], b"localhost", 401),
    (b"HEAD /console/", [], b"localhost", 401),
    (b"GET /console/main.js", [], b"localhost", 401),
    (b"GET /nowhere", [], b"localhost", 401),
    (b"DELETE /outbox/messages/1", [], b"localhost", 401),
    (b"POST /console/", [], b"localhost", 401),
    (b"GET /console/index.html", [BEARER], b"localhost", 404),
    (b"GET /console/%2e%2e/site.py", [BEARER], b"localhost", 404),
    (b"GET /console/..%2fsite.py", [BEARER], b"localhost", 404),
    (b"GET /nowhere", [BEARER], b"localhost", 404),
    (b"POST /console/", [BEARER], b"localhost", 405),
    (CONSOLE, [BEARER], b"localhost", 200),
    (CONSOLE, [BEARER, b"Sec-Fetch-Site: same-origin"], b"[::1]:9901", 200),
    (b"GET /", [], b"localhost", 401),
    (b"GET /console", [], b"localhost", 401),
    (b"GET /", [BEARER], b"localhost", 200),
    (b"GET /console", [BEARER], b"localhost", 308),
    (b"GET /status", [], b"localhost", 200),
    (b"POST /livez", [], b"localhost", 405),
)
async def test_the_fences_are_checked_in_order(
    proxy: Running, line: bytes, fields: list[bytes], host: bytes | None, status: int
) -> None:
    """Host, the browser's marks, the token, the resource."""
    answered = await ask(proxy, line, *fields, host=host)
    assert answered.status == status
    assert answered.field(b"WWW-Authenticate") == ([b"Bearer"] if status == 401 else [])


@cases(
    "fields, status",
    ([b"Authorization: bEARER  " + TOKEN.encode() + b" "], 200),
    ([b"Authorization: Bearer " + TOKEN.encode()[:-1]], 401),
    ([b"Authorization: Bearer " + TOKEN.lower().encode()], 401),
    ([b"Authorization: " + TOKEN.encode()], 401),
    ([b"Authorization: Basic " + base64.b64encode(b"x:" + TOKEN.encode())], 401),
    ([BEARER, BEARER], 401),
    ([BEARER, b"authorization: Bearer x"], 401),
    ([b"Proxy-Authorization: Bearer " + TOKEN.encode()], 401),
    ([b"Cookie: cpi-oauth-proxy-PORT=" + TOKEN.encode()], 401),
    ([b"Cookie: cpi-oauth-proxy-PORT=" + b"A" * 43], 401),
)
async def test_one_bearer_token_is_admitted(proxy: Running, fields: list[bytes], status: int) -> None:
    """No other scheme, and no second field."""
    port = b"%d" % proxy.app.admin.port
    assert (await ask(proxy, CONSOLE, *(each.replace(b"PORT", port) for each in fields))).status == status


async def test_the_url_sets_a_cookie_for_this_port(proxy: Running) -> None:
    """It has a random value, and leads to another URL."""
    answers = [await ask(proxy, OPEN, b"Sec-Fetch-Site: none") for _ in range(2)]
    for answered in answers:
        assert answered.status == 303
        assert answered.field(b"Location") == [b"/console/"]
        (field,) = answered.field(b"Set-Cookie")
        value, *attributes = field.split(b"; ")
        assert value.startswith(b"cpi-oauth-proxy-%d=" % proxy.app.admin.port)
        assert TOKEN.encode() not in field
        assert sorted(attributes) == [b"HttpOnly", b"Max-Age=43200", b"Path=/", b"SameSite=Strict"]
    assert answers[0].field(b"Set-Cookie") != answers[1].field(b"Set-Cookie")


async def test_the_cookie_admits_until_its_session_ends(proxy: Running) -> None:
    """It ends after twelve hours."""
    ours = await cookie(proxy)
    name = b"cpi-oauth-proxy-%d" % proxy.app.admin.port
    assert (await ask(proxy, CONSOLE, ours)).status == 200
    assert (await ask(proxy, b"GET /console/pages.css", ours)).status == 200
    assert (
        await ask(proxy, CONSOLE, b"Cookie: a=b; %b=planted; %b; x" % (name, ours.partition(b" ")[2]))
    ).status == 200
    assert (await ask(proxy, CONSOLE, ours.replace(name, b"cpi-oauth-proxy-1"))).status == 401
    assert (await ask(proxy, CONSOLE, ours + b"x")).status == 401
    assert (await ask(proxy, CONSOLE, ours, b"Sec-Fetch-Site: same-site")).status == 403
    proxy.clock.advance(LIFETIME - 1)
    assert (await ask(proxy, CONSOLE, ours)).status == 200
    proxy.clock.advance(1)
    assert (await ask(proxy, CONSOLE, ours)).status == 401


@cases(
    "line",
    b"GET /console/?token=",
    b"GET /console/?token=" + TOKEN.lower().encode(),
    b"GET /console/?token=%ff",
    b"GET /console/?token=x&token=" + TOKEN.encode(),
    b"HEAD /console/?token=" + TOKEN.encode(),
    b"POST /console/?token=" + TOKEN.encode(),
    b"GET /console/main.js?token=" + TOKEN.encode(),
    b"GET /nowhere?token=" + TOKEN.encode(),
)
async def test_a_wrong_url_opens_nothing(proxy: Running, line: bytes) -> None:
    """The answer says which command prints the right one."""
    answered = await ask(proxy, line)
    assert answered.status == 401
    assert answered.field(b"Set-Cookie") == []
    assert line.startswith(b"HEAD") or b"`cpi-oauth-proxy console`" in answered.body


async def test_a_link_on_another_site_says_what_to_do(proxy: Running) -> None:
    """The address bar works."""
    answered = await ask(proxy, OPEN, FOREIGN)
    assert (answered.status, answered.field(b"Set-Cookie")) == (403, [])
    assert b"Paste the address into the address bar" in answered.body


async def test_the_path_without_a_slash_opens_the_console_too(proxy: Running) -> None:
    """Somebody may have shortened the URL."""
    answered = await ask(proxy, OPEN.replace(b"/?", b"?"))
    assert (answered.status, answered.field(b"Location")) == (303, [b"/console/"])
    (field,) = answered.field(b"Set-Cookie")
    session = b"Cookie: " + field.partition(b";")[0]
    assert (await ask(proxy, b"GET /console", session)).field(b"Location") == [b"/console/"]


async def test_each_answer_has_the_fields_that_protect_pages(proxy: Running) -> None:
    """Refusals have them too."""
    malformed = await proxy.sender(proxy.app.admin.port)
    answers = [
        await ask(proxy, CONSOLE, BEARER),
        await ask(proxy, OPEN),
        await ask(proxy, CONSOLE),
        await ask(proxy, b"GET /nowhere", BEARER),
        await ask(proxy, CONSOLE, host=b"evil.example"),
        await ask(proxy, CONSOLE, FOREIGN),
        await ask(proxy, b"GET /livez"),
        await malformed.ask(b"no http\r\n\r\n"),
    ]
    assert [each.status for each in answers] == [200, 303, 401, 404, 421, 403, 200, 400]
    for each in answers:
        assert {name: each.field(name) for name in PROTECTING} == {name: [PROTECTING[name]] for name in PROTECTING}


async def test_the_files_of_the_page_have_their_types(proxy: Running) -> None:
    """A browser would not run a script of another type."""
    types = {b"/console/": b"text/html", b"/console/pages.css": b"text/css", b"/console/main.js": b"text/javascript"}
    found = {path: (await ask(proxy, b"GET " + path, BEARER)).field(b"Content-Type") for path in types}
    assert found == {path: [kind + b"; charset=utf-8"] for path, kind in types.items()}


async def test_another_token_in_the_file_ends_the_sessions(proxy: Running, tmp_path: Path) -> None:
    """A file that is not valid changes nothing."""
    ours, files = await cookie(proxy), proxy.app.admin.token
    for wrong in ("short", ""):
        (tmp_path / "token").write_text(wrong)
        await files._files.look()  # type: ignore[attr-defined]
        assert (await ask(proxy, CONSOLE, ours)).status == 200
    lines = await proxy.lines.reach("admin_token.unreadable", 2)
    assert "fewer than 16 characters; write a longer token" in lines[0]["detail"]
    assert str(tmp_path / "token") in lines[1]["detail"]
    (tmp_path / "token").write_text("another-token-0123456789")
    await files._files.look()  # type: ignore[attr-defined]
    assert (await ask(proxy, CONSOLE, ours)).status == 401
    assert (await ask(proxy, CONSOLE, BEARER)).status == 401
    assert (await ask(proxy, CONSOLE, b"Authorization: Bearer another-token-0123456789")).status == 200


async def test_beyond_loopback_there_is_neither_console_nor_token(
    serve: Serve, settings: Document, tmp_path: Path
) -> None:
    """All are a 404."""
    proxy = await serve(settings | {"admin": {"address": "0.0.0.0:0", "token_file": "token"}})
    for line in (b"GET /", CONSOLE, OPEN, b"GET /console", b"GET /outbox", b"GET /status"):
        assert (await ask(proxy, line, BEARER, host=b"10.1.2.3")).status == 404
    generated = await serve(settings | {"admin": "0.0.0.0:0"})
    assert (await ask(generated, CONSOLE, host=b"10.1.2.3")).status == 404
    assert generated.app.admin.console_url is None
    assert not (tmp_path / "cpi-oauth-proxy").exists()


async def test_without_a_file_each_start_has_a_token_of_its_own(orders: Orders, tmp_path: Path) -> None:
    """Its file goes with the proxy."""
    proxies = [await orders() for _ in range(2)]
    tokens = []
    for proxy in proxies:
        file = tmp_path / "cpi-oauth-proxy" / f"admin-127.0.0.1:{proxy.app.admin.port}.token"
        assert file.stat().st_mode & 0o777 == 0o600
        tokens.append(file.read_text())
        assert proxy.app.admin.console_url == f"{proxy.admin_url}/console/?token={tokens[-1]}"
        assert (await ask(proxy, CONSOLE, b"Authorization: Bearer " + tokens[-1].encode())).status == 200
        await proxy.stop()
        assert not file.exists()
    assert len(set(tokens)) == 2


async def test_a_reload_keeps_the_token_or_changes_it(proxy: Running, settings: Document, tmp_path: Path) -> None:
    """Sessions stay if the token does."""
    ours = await cookie(proxy)
    await proxy.reload(settings)
    assert (await ask(proxy, CONSOLE, ours)).status == 200
    await proxy.reload(settings | {"admin": "127.0.0.1:0"})
    assert (await ask(proxy, CONSOLE, BEARER)).status == 401
    (file,) = (tmp_path / "cpi-oauth-proxy").iterdir()
    own = b"Authorization: Bearer " + file.read_bytes()
    await proxy.reload(settings | {"admin": {"address": "127.0.0.1:0", "hosts": ["x.example"]}})
    assert (await ask(proxy, CONSOLE, own)).status == 200
    await proxy.reload(settings)
    assert (await ask(proxy, CONSOLE, own)).status == 401
    assert (await ask(proxy, CONSOLE, BEARER)).status == 200
    assert list((tmp_path / "cpi-oauth-proxy").iterdir()) == []


async def test_without_a_place_for_the_token_the_proxy_serves_on(
    orders: Orders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One warning says why, and so does each 401."""
    (tmp_path / "cpi-oauth-proxy").write_text("in the way")
    monkeypatch.setattr("proxy.admin.token_place.TEMPORARY", tmp_path / "none")
    proxy = await orders()
    (line,) = proxy.lines.named("admin_token.unwritable")
    assert line["level"] == "warning"
    assert str(tmp_path / "cpi-oauth-proxy") in line["detail"]
    for request in (CONSOLE, OPEN):
        answered = await ask(proxy, request, BEARER)
        assert answered.status == 401
        assert b"There is no admin token: its file cannot be written" in answered.body
    assert (await ask(proxy, b"GET /readyz")).status == 200
    assert proxy.app.admin.console_url is None


async def test_a_unix_socket_has_the_same_token_and_a_cookie_of_its_own(orders: Orders, tmp_path: Path) -> None:
    """A port may be forwarded to it."""
    proxy = await orders({"admin": f"unix:{tmp_path}/admin"})
    token = proxy.app.admin.access.token or ""
    reader, writer = await asyncio.open_unix_connection(tmp_path / "admin")
    writer.write(f"GET /console/?token={token} HTTP/1.1\r\nHost: localhost:8000\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 303 ")
    assert b"\r\nSet-Cookie: cpi-oauth-proxy-unix=" in head
    writer.close()
    assert proxy.app.admin.console_url is None


async def test_the_token_is_in_nothing_that_is_written(proxy: Running) -> None:
    """Nor in a representation."""
    await cookie(proxy)
    await ask(proxy, CONSOLE, b"Authorization: Basic " + TOKEN.encode())
    await until(lambda: proxy.lines.named("admin.refused"))
    pages = [(await proxy.ask_admin(path, TOKEN))[1] for path in ("/", "/metrics", "/status", "/readyz")]
    parts = map(repr, (proxy.app.admin, proxy.app.admin.access, proxy.app.admin.token, proxy.app.configuration))
    assert TOKEN not in "\n".join([*pages, *parts, *proxy.lines.text])
