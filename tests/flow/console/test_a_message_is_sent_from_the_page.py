"""A message of the page passes as any sender's, and its answer is shown."""

import asyncio
import io
from collections.abc import AsyncIterator

import pytest

from proxy.console import kept_answers, sender
from proxy.console.bodies import SHOWN
from proxy.console.sender import Outgoing, SenderLabel, deliver
from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.upstream import Call, Held, Upstream, answer, answering, head
from tests.flow.console.conftest import OpenPage
from tests.flow.console.page import Page, sendable
from tests.flow.running import document, until

MPL = b"SAP_MessageProcessingLogID: AGpyvUXKUZJ"


async def test_the_upstream_gets_it_with_our_token_and_the_page_its_answer(page: Page, upstream: Upstream) -> None:
    """Path, query, fields and body are those of the form."""
    upstream.follow(answer(202, MPL, b"Content-Type: application/json", body=b'{"a": 1}'))
    fields = [["Content-Type", "application/xml"], ["X-Own", "1"], ["Content-Length", "9999"]]
    status, content = await page.send(b"<order/>", path="/new?id=1", fields=fields)
    assert status == 200
    (received,) = upstream.requests
    assert (received.method, received.target, bytes(received.body)) == (b"POST", b"/http/orders/new?id=1", b"<order/>")
    assert received.field(b"Authorization") == [b"Bearer token-1"]
    assert received.field(b"X-Own") == [b"1"]
    assert received.field(b"Content-Length") == [b"8"]
    assert content["status"] == 202
    assert content["body"]["text"] == '{"a": 1}'
    assert (content["mpl_id"], content["upstream"]) == ("AGpyvUXKUZJ", f"{upstream.url}/http/orders/new")
    assert (content["truncated"], content["whole"], content["made_by"]) == (False, True, "upstream")


async def test_traffic_and_log_name_the_sender_console(page: Page) -> None:
    """Under the id that the answer has."""
    _, content = await page.send(b"<order/>")
    assert (await page.newest())["id"] == content["id"]
    assert (await page.newest())["sender"] == "console"
    assert (await page.proxy.record())["sender"] == "console"


@pytest.mark.parametrize("route", [{"allow": ["127.0.0.0/8"]}])
async def test_it_comes_from_loopback(page: Page) -> None:
    """Its route admits certain addresses."""
    assert (await page.send(b"<order/>"))[1]["status"] == 200


@pytest.mark.parametrize("route", [{"allow": ["10.0.0.0/8"]}])
async def test_a_fence_stops_it(page: Page, upstream: Upstream) -> None:
    """As any sender of this machine; the page shows what to do."""
    _, content = await page.send(b"<order/>")
    assert (content["status"], content["code"], content["made_by"]) == (403, "sender_not_allowed", "proxy")
    assert "allow" in content["what_to_do"]
    assert upstream.requests == []


async def test_the_csrf_handshake_is_explained(page: Page, upstream: Upstream) -> None:
    """With the attempts that it took."""
    upstream.follow(
        answer(403, b"X-CSRF-Token: Required"),
        answer(200, b"X-CSRF-Token: t0ken", b"Set-Cookie: JSESSIONID=abc"),
        answer(200, body=b"done"),
    )
    _, content = await page.send(b"<order/>")
    assert (content["status"], content["replays"]) == (200, ["fetch_csrf"])


async def test_a_content_type_is_guessed(page: Page, upstream: Upstream) -> None:
    """From its first bytes, unless the form has one; no body has none."""
    for body in (b'{"a": 1}', b"<a/>", b"a", b""):
        await page.send(body)
    assert [received.field(b"Content-Type") for received in upstream.requests] == [
        [b"application/json"],
        [b"application/xml"],
        [b"text/plain; charset=utf-8"],
        [],
    ]


async def test_a_body_is_streamed(page: Page, upstream: Upstream) -> None:
    """The upstream gets its beginning before its end; the length may be unknown."""
    last = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"x" * (2 << 20)
        await last.wait()
        yield b"end"

    sending = asyncio.ensure_future(page.send(body()))
    await upstream.reach(1)
    last.set()
    _, content = await sending
    assert content["status"] == 200
    assert upstream.requests[0].body == b"x" * (2 << 20) + b"end"


@pytest.mark.parametrize("route", [{"max_body": "1KiB"}])
async def test_a_body_above_the_limit_of_the_route_is_refused(page: Page, upstream: Upstream) -> None:
    """The page reads the answer, although its body was not read to the end."""
    _, content = await page.send(b"x" * (4 << 20))
    assert (content["status"], content["code"]) == (413, "body_too_large")
    assert upstream.requests == []


async def test_a_body_that_fails_is_not_a_message(page: Page, upstream: Upstream) -> None:
    """Half of it is not sent as all."""

    async def broken() -> AsyncIterator[bytes]:
        yield b"x"
        raise OSError("gone")

    async def write(_: bytes) -> None:
        raise AssertionError

    label = SenderLabel()
    message = Outgoing("POST", "/orders", [("Host", "localhost")], None, broken())
    with pytest.raises(OSError, match="gone"):
        await deliver(message, page.proxy.app.sender_context(label), label, write)
    assert (await page.proxy.record())["sender"] == "console"
    assert upstream.requests == []


async def test_a_page_that_goes_cancels_its_message(page: Page, upstream: Upstream) -> None:
    """As a sender that disconnects."""
    upstream.follow(held := Held())
    sending = asyncio.ensure_future(page.send(b"<order/>"))
    await upstream.reach(1)
    sending.cancel()
    await until(lambda: len(page.proxy.app.senders) == 0)
    held.go.set()
    record = await page.proxy.record()
    assert (record["status"], record["code"], record["sender"]) == (499, "sender_left", "console")


async def test_a_page_that_goes_while_it_sends_cancels_its_message(page: Page) -> None:
    """The message is not whole."""
    begun = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"x"
        begun.set()
        await asyncio.Event().wait()

    sending = asyncio.ensure_future(page.send(body()))
    await begun.wait()
    await until(lambda: page.proxy.app.state().in_flight)
    sending.cancel()
    record = await page.proxy.record()
    assert (record["status"], record["sender"]) == (499, "console")
    await until(lambda: len(page.proxy.app.senders) == 0)


async def test_of_a_large_answer_the_beginning_is_shown_and_all_can_be_saved(page: Page, upstream: Upstream) -> None:
    """Never as a page."""
    body = b"<p>" + b"x" * (3 * SHOWN)
    upstream.follow(answer(200, b"Content-Type: text/html", body=body))
    _, content = await page.send(b"<order/>")
    assert (content["truncated"], content["body"]["size"], content["body"]["kept"]) == (True, len(body), SHOWN)
    answered = await page.open(content["download"].removeprefix("api/"))
    assert await answered.read() == body
    assert answered.headers["Content-Type"] == "application/octet-stream"
    assert answered.headers["Content-Disposition"].startswith("attachment")
    headed = await page.open(content["download"].removeprefix("api/"), "HEAD")
    assert headed.headers["Content-Length"] == str(len(body))


async def test_the_last_answers_are_kept(page: Page, upstream: Upstream) -> None:
    """Older ones are gone, and the page says so."""
    upstream.follow(answer(200, body=b"x" * (SHOWN + 1)), answer(200, body=b"small"))
    urls = [(await page.send(b"<order/>"))[1]["download"].removeprefix("api/") for _ in range(kept_answers.KEPT + 1)]
    status, content = await page.ask(urls[0])
    assert (status, content["detail"]) == (404, "This answer is no longer kept; send the message again.")
    assert await (await page.open(urls[1])).read() == b"small"


async def test_an_answer_that_is_too_large_is_shown_only(
    page: Page, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot be saved."""
    monkeypatch.setattr(kept_answers, "LARGEST", 2 * SHOWN)
    upstream.follow(answer(200, body=b"x" * (3 * SHOWN)))
    _, content = await page.send(b"<order/>")
    assert (content["download"], content["body"]["size"], content["truncated"]) == (None, 3 * SHOWN, True)


async def test_an_answer_that_the_disk_does_not_take_is_shown_only(
    page: Page, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else is lost."""

    def full(_log: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept_answers, "Spool", full)
    upstream.follow(answer(200, body=b"x" * (3 * SHOWN)))
    _, content = await page.send(b"<order/>")
    assert (content["status"], content["download"], content["body"]["kept"]) == (200, None, SHOWN)


async def test_an_answer_that_is_cut_is_told_apart(page: Page, upstream: Upstream) -> None:
    """What has arrived is shown."""

    async def cut(call: Call) -> None:
        await call.body()
        await call.send(head(200, b"Content-Length: 100") + b"half")
        call.reset()

    upstream.follow(cut)
    _, content = await page.send(b"<order/>")
    assert (content["status"], content["whole"], content["code"]) == (200, False, "upstream_closed")
    assert content["diagnosis"] == "The upstream closed the connection"


async def test_an_answer_without_a_body_has_none(page: Page, upstream: Upstream) -> None:
    """So there is nothing to save."""
    upstream.follow(answer(200, b"Content-Type: a/b"), answering(head(204)))
    for method in ("HEAD", "DELETE"):
        _, content = await page.send(b"", method=method)
        assert (content["body"]["size"], content["download"]) == (0, None)


@cases(
    "message, status",
    ({"route": "nowhere"}, 404),
    ({"route": 1}, 400),
    ({"method": "P OST"}, 400),
    ({"path": "x"}, 400),
    ({"path": "/\ud800"}, 400),
    ({"fields": [["a b", "c"]]}, 400),
    ({"fields": [["a", "b\r\nc: d"]]}, 400),
    ({"fields": [["a", "\u20ac"]]}, 400),
    ({"fields": {"a": "b"}}, 400),
    ({"fields": [["a"]]}, 400),
)
async def test_what_is_no_message_is_not_sent(
    page: Page, upstream: Upstream, message: dict[str, object], status: int
) -> None:
    """The problem says what is wrong."""
    answered, content = await page.send(b"<order/>", **message)
    assert (answered, sorted(content)) == (status, ["detail", "title"])
    assert upstream.requests == []


@cases("octets", b"", b"{}", b"[]\n", b"{\n", b"x" * (1 << 20) + b"x\n")
async def test_a_request_without_its_line_is_refused(page: Page, octets: bytes) -> None:
    """Nothing is sent."""
    status, content = await page.ask("send", "POST", data=io.BytesIO(octets))
    assert (status in (400, 404), sorted(content)) == (True, ["detail", "title"])
    assert (await page.get("traffic"))["exchanges"] == []


async def test_a_message_for_another_route_is_refused(
    open_page: OpenPage, upstream: Upstream, authority: AuthorizationServer
) -> None:
    """The longest path would get it."""
    wanted = document(upstream, authority, name="orders")
    wanted["routes"].append(wanted["routes"][0] | {"path": "/orders/inner", "name": "inner"})
    page = await open_page(wanted)
    status, content = await page.send(b"<order/>", path="/inner/x")
    assert (status, content["detail"]) == (400, "POST /orders/inner/x goes to route inner, not to orders.")
    assert upstream.requests == []


async def test_spaces_and_letters_of_a_path_are_encoded(page: Page, upstream: Upstream) -> None:
    """As in a browser's address bar."""
    await page.send(b"<order/>", path="/a b/ä?c=d e")
    assert upstream.requests[0].target == b"/http/orders/a%20b/%C3%A4?c=d%20e"


async def test_a_stop_lets_a_running_message_finish(page: Page, upstream: Upstream) -> None:
    """It is an exchange like any other."""
    upstream.follow(held := Held())
    sending = asyncio.ensure_future(page.send(b"<order/>"))
    await upstream.reach(1)
    stopping = asyncio.ensure_future(page.proxy.app.stop())
    await until(lambda: page.proxy.app.draining)
    held.go.set()
    assert (await sending)[1]["status"] == 200
    await stopping


async def test_a_connection_that_is_lost_before_an_exchange_is_a_problem(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no record of it."""
    monkeypatch.setattr(sender, "PATIENCE", 0.0)

    def refused(_label: object) -> object:
        raise TimeoutError

    monkeypatch.setattr(page.proxy.app, "sender_context", refused)
    status, content = await page.ask("send", "POST", data=sendable(b"<order/>"))
    assert (status, content["detail"]) == (502, "The connection to the proxy was lost.")
