"""Below `/outbox` of the admin address: what is kept, and what a person does about it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from proxy.outbox.message import MessageState, MessageSummary
from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer
from tests.fakes.sender import Answer
from tests.fakes.upstream import Held, Upstream, answer
from tests.flow import admin
from tests.flow.admin import tokened
from tests.flow.outbox import accepted, deferred, delivered, kept, outbox_document, posted, store_of, summary
from tests.flow.running import Document, Running, Serve, document, soon, turns, until

UNKNOWN = b"/outbox/messages/" + b"0" * 32
LARGE = bytes(range(256)) * 4000


@pytest.fixture
def settings(upstream: Upstream, authority: AuthorizationServer, tmp_path: Path) -> Document:
    """A route with an outbox, and a token."""
    return tokened(outbox_document(upstream, authority, tmp_path), tmp_path)


@pytest.fixture
async def proxy(serve: Serve, settings: Document) -> Running:
    """A proxy with it."""
    return await serve(settings)


async def ask(proxy: Running, line: bytes, *fields: bytes) -> Answer:
    """A request to the admin address."""
    return await admin.ask(proxy, line, admin.BEARER, *fields)


async def read(proxy: Running, line: bytes) -> Any:
    """The JSON of an answer."""
    told = await ask(proxy, line)
    assert (told.status, told.field(b"Content-Type")) == (200, [b"application/json"]), told
    return json.loads(told.body)


async def dead(proxy: Running, upstream: Upstream, *fields: bytes, body: bytes = b"<order/>") -> str:
    """Has a message die; what follows is delivered."""
    upstream.script.appendleft(answer(400, b"SAP_MessageProcessingLogID: AGmpl"))
    id_ = await accepted(proxy, posted(body, *fields))
    await until_state(proxy, id_, MessageState.DEAD)
    return id_


async def until_state(proxy: Running, id_: str, state: MessageState | None) -> None:
    """Until it is in this state, or gone."""
    async with asyncio.timeout(30):
        while {each.id: each.state for each in await kept(proxy)}.get(id_) != state:
            pass


def told_by(line: dict[str, Any], proxy: Running, **fields: object) -> None:
    """The log says who decided, and about what."""
    expected = {"level": "info", "route": "orders", "admin": f"127.0.0.1:{proxy.app.admin.port}", **fields}
    assert line.items() >= expected.items()


def at(id_: str, more: str = "") -> bytes:
    """The path of a message."""
    return f"/outbox/messages/{id_}{more}".encode()


async def test_routes_are_shown_as_numbers(proxy: Running, upstream: Upstream) -> None:
    """Also if there is no message."""
    empty = {"route": "orders", "waiting": 0, "delivering": 0, "dead": 0, "held": False, "oldest_at": None, "bytes": 0}
    assert await read(proxy, b"GET /outbox") == {"routes": [empty]}
    await dead(proxy, upstream)
    (shown,) = (await read(proxy, b"GET /outbox"))["routes"]
    assert shown == empty | {"dead": 1, "bytes": shown["bytes"]}
    assert shown["bytes"] > 8


async def test_a_list_is_read_page_by_page(proxy: Running) -> None:
    """In the order of acceptance, with conditions."""
    await ask(proxy, b"POST /outbox/routes/orders/hold")
    sender = await proxy.sender()
    ids = [await accepted(sender) for _ in range(5)]
    pages, path = [], b"GET /outbox/messages?limit=2"
    while path:
        page = await read(proxy, path)
        pages.append([each["id"] for each in page["messages"]])
        path = b"GET /outbox/messages?limit=2&after=" + page["next"].encode() if page["next"] else b""
    assert pages == [ids[:2], ids[2:4], ids[4:]]
    whole = await read(proxy, b"GET /outbox/messages?route=orders&state=waiting&limit=5")
    assert [each["id"] for each in whole["messages"]] == ids
    assert whole["next"] is None
    assert whole["messages"][0] == {
        "id": ids[0],
        "route": "orders",
        "state": "waiting",
        "code": None,
        "attempts": 0,
        "accepted_at": "2027-01-15T08:00:00Z",
        "next_at": "2027-01-15T08:00:00Z",
        "bytes": whole["messages"][0]["bytes"],
    }
    for query in (b"state=dead", b"state=delivering", b"route=other"):
        assert await read(proxy, b"GET /outbox/messages?" + query) == {"messages": [], "next": None}


async def test_one_message_is_shown_with_its_history(serve: Serve, settings: Document, upstream: Upstream) -> None:
    """Credentials are masked."""
    settings["routes"][0]["outbox"] |= {"message_id": {"field": "X-Id"}}
    proxy = await serve(settings)
    id_ = await dead(proxy, upstream, b"X-Id: 4711", b"X-Api-Key: cAnAryOfTheSender")
    shown = await read(proxy, b"GET " + at(id_))
    assert shown == {
        "id": id_,
        "route": "orders",
        "state": "dead",
        "code": "refused",
        "attempts": 1,
        "accepted_at": "2027-01-15T08:00:00Z",
        "next_at": None,
        "bytes": shown["bytes"],
        "method": "POST",
        "target": "",
        "fields": [["Content-Type", "application/xml"], ["X-Id", "4711"], ["X-Api-Key", "***"]],
        "message_id": "4711",
        "history": [
            {
                "at": "2027-01-15T08:00:00Z",
                "status": 400,
                "code": None,
                "diagnosis": shown["history"][0]["diagnosis"],
                "mpl_id": "AGmpl",
            }
        ],
    }


@cases("body", {"empty": b"", "row": b"<order/>", "file": LARGE})
async def test_a_body_is_a_file_to_save(proxy: Running, upstream: Upstream, body: bytes) -> None:
    """Byte for byte, and never a page."""
    id_ = await dead(proxy, upstream, body=body)
    told = await ask(proxy, b"GET " + at(id_, "/body"))
    assert told.body == body
    headed = await ask(proxy, b"HEAD " + at(id_, "/body"))
    assert (headed.status, headed.body) == (200, b"")
    expected = {
        b"Content-Type": b"application/octet-stream",
        b"Content-Disposition": b'attachment; filename="%b.bin"' % id_.encode(),
        b"Content-Length": b"%d" % len(body),
        b"X-Content-Type-Options": b"nosniff",
    }
    for name, value in expected.items():
        assert told.field(name) == headed.field(name) == [value]


async def test_head_is_answered_as_get_is(proxy: Running, upstream: Upstream) -> None:
    """What has to be changed is a 405 for both."""
    id_ = await dead(proxy, upstream)
    index = (await ask(proxy, b"GET /")).body.decode()
    asked = set()
    for line in index.replace("{id}", id_).replace("{route}", "orders").splitlines():
        method, path = line.split()
        asked.add(method)
        got, headed = [await ask(proxy, each + path.encode()) for each in (b"GET ", b"HEAD ")]
        assert headed.status == got.status, line
        assert (got.status == 200) == (method == "GET") or path.endswith(id_), line
        names = (b"Content-Type", b"Allow", b"Content-Disposition", b"Content-Length")
        shown = names if path not in {"/metrics", "/status"} else names[:-1]
        assert [headed.field(name) for name in shown] == [got.field(name) for name in shown], line
        assert headed.body == b""
    assert asked == {"GET", "PUT", "POST", "DELETE"}


async def test_a_body_that_cannot_be_read_on_is_cut(proxy: Running, upstream: Upstream, tmp_path: Path) -> None:
    """It never looks complete."""
    id_ = await dead(proxy, upstream, body=LARGE)
    (file,) = (tmp_path / "store" / "bodies").iterdir()
    with file.open("r+b") as opened:
        opened.truncate(len(LARGE) - 1)
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await ask(proxy, b"GET " + at(id_, "/body"))
    file.unlink()
    gone = await ask(proxy, b"GET " + at(id_, "/body"))
    assert gone.refusal == (503, "outbox_unavailable")
    assert (await ask(proxy, b"DELETE " + at(id_))).status == 200


async def test_a_dead_letter_is_delivered_when_it_is_retried(proxy: Running, upstream: Upstream) -> None:
    """With its id; the log tells who did it."""
    id_ = await dead(proxy, upstream)
    told = await read(proxy, b"POST " + at(id_, "/retry"))
    assert (told["id"], told["state"], told["code"]) == (id_, "waiting", None)
    await until_state(proxy, id_, None)
    assert len(upstream.requests) == 2
    (line,) = await proxy.lines.reach("message.retried")
    told_by(line, proxy, id=id_, attempts=1)
    assert (await ask(proxy, b"GET " + at(id_))).status == 404


async def test_a_waiting_message_is_delivered_before_its_time(proxy: Running, upstream: Upstream) -> None:
    """`retry` does not wait for the pause."""
    upstream.script.appendleft(answer(404))
    id_ = await accepted(proxy)
    await deferred(proxy)
    await read(proxy, b"POST " + at(id_, "/retry"))
    await until_state(proxy, id_, None)
    assert len(upstream.requests) == 2


@cases("decision", "retry", "resume")
async def test_what_a_person_wants_to_be_delivered_is_tried_although_the_upstream_was_away(
    serve: Serve, authority: AuthorizationServer, tmp_path: Path, decision: str
) -> None:
    """Without a wait for the next probe."""
    async with Upstream() as upstream:
        port = upstream.port
    away = outbox_document(f"http://127.0.0.1:{port}", authority, tmp_path, retries=["1h"])
    proxy = await serve(tokened(away, tmp_path))
    sender = await proxy.sender()
    first = await accepted(sender)
    await deferred(proxy)
    await accepted(sender)
    path, count = (at(first, "/retry"), 2) if decision == "retry" else (b"/outbox/routes/orders/resume", 1)
    async with Upstream(port=port) as upstream:
        await ask(proxy, b"POST " + path)
        await delivered(proxy, count)
        assert len(upstream.requests) == count


async def test_a_message_that_is_discarded_is_gone(proxy: Running, upstream: Upstream) -> None:
    """And never delivered."""
    id_ = await dead(proxy, upstream)
    told = await read(proxy, b"DELETE " + at(id_))
    assert (told["id"], told["state"], told["code"]) == (id_, "dead", "refused")
    assert await kept(proxy) == []
    assert len(upstream.requests) == 1
    (line,) = await proxy.lines.reach("message.discarded")
    told_by(line, proxy, id=id_, state="dead", code="refused")


async def test_nothing_is_decided_about_a_message_on_its_way(
    serve: Serve, settings: Document, upstream: Upstream
) -> None:
    """Its delivery ends first."""
    upstream.script.appendleft(held := Held())
    proxy = await serve(settings)
    id_ = await accepted(proxy)
    await upstream.reach(1)
    for line in (b"POST " + at(id_, "/retry"), b"DELETE " + at(id_)):
        told = await ask(proxy, line)
        assert told.refusal == (409, "message_busy")
    assert (await read(proxy, b"GET " + at(id_)))["state"] == "delivering"
    held.go.set()
    await until_state(proxy, id_, None)
    assert len(upstream.requests) == 1


async def test_a_held_route_accepts_and_does_not_deliver(proxy: Running, upstream: Upstream) -> None:
    """Until it is resumed."""
    assert (await read(proxy, b"POST /outbox/routes/orders/hold"))["held"]
    id_ = await accepted(proxy)
    shown = await read(proxy, b"POST /outbox/routes/orders/hold")
    assert (shown["held"], shown["waiting"]) == (True, 1)
    assert upstream.requests == []
    assert not (await read(proxy, b"POST /outbox/routes/orders/resume"))["held"]
    await until_state(proxy, id_, None)
    assert len(upstream.requests) == 1
    for event, count in (("outbox.held", 2), ("outbox.resumed", 1)):
        told_by((await proxy.lines.reach(event, count))[-1], proxy)


async def test_messages_of_a_route_that_has_gone_are_shown(
    serve: Serve, settings: Document, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path
) -> None:
    """They can be decided about."""
    proxy = await serve(settings)
    id_ = await dead(proxy, upstream)
    other = document(upstream, authority) | {"store": settings["store"]}
    other["routes"][0]["path"] = "/elsewhere"
    await proxy.stop()
    proxy = await serve(tokened(other, tmp_path))
    assert [each["route"] for each in (await read(proxy, b"GET /outbox"))["routes"]] == ["orders"]
    assert (await read(proxy, b"POST /outbox/routes/orders/hold"))["held"]
    await read(proxy, b"DELETE " + at(id_))
    assert await read(proxy, b"POST /outbox/routes/orders/resume") == {"route": "orders"}
    assert (await ask(proxy, b"POST /outbox/routes/orders/hold")).code == "route_unknown"
    assert await read(proxy, b"GET /outbox") == {"routes": []}


@cases(
    "line, status, code",
    (b"GET " + UNKNOWN, 404, "message_unknown"),
    (b"GET " + UNKNOWN + b"/body", 404, "message_unknown"),
    (b"POST " + UNKNOWN + b"/retry", 404, "message_unknown"),
    (b"DELETE " + UNKNOWN, 404, "message_unknown"),
    (b"GET /outbox/messages/%2e%2e", 404, "message_unknown"),
    (b"POST /outbox/routes/other/hold", 404, "route_unknown"),
    (b"POST /outbox/routes/other/resume", 404, "route_unknown"),
    (b"GET /outbox/messages?state=lost", 400, "query_malformed"),
    (b"GET /outbox/messages?limit=1001", 400, "query_malformed"),
    (b"GET /outbox/messages?limit=", 200, ""),
    (b"GET /outbox/messages?limit=ten", 400, "query_malformed"),
    (b"GET /outbox/messages?after=nothing", 400, "query_malformed"),
    (b"GET /outbox/messages?after=" + b"0" * 32, 200, ""),
    (b"GET /outbox/messages?after=%00", 400, "query_malformed"),
    (b"GET /outbox/messages?route=%00", 400, "query_malformed"),
    (b"GET /outbox/messages?after=%FF", 400, "query_malformed"),
    (b"POST /outbox/routes/%00/hold", 404, "route_unknown"),
    (b"POST /outbox", 405, ""),
    (b"HEAD " + UNKNOWN + b"/body", 404, ""),
    (b"HEAD " + UNKNOWN + b"/retry", 405, ""),
    (b"GET " + UNKNOWN + b"/retry", 405, ""),
    (b"GET /outbox/routes/orders/hold", 405, ""),
    (b"GET /outbox/routes/orders", 404, ""),
)
@cases("is_there", {"outbox": True, "none": False})
async def test_what_is_not_there_is_told(
    serve: Serve, settings: Document, line: bytes, status: int, code: str, *, is_there: bool
) -> None:
    """The same without any outbox."""
    if not is_there:
        del settings["routes"][0]["outbox"], settings["store"]
    told = await ask(await serve(settings), line)
    assert told.status == status
    if code:
        assert told.code == code
        assert told.problem["status"] == status
        assert told.problem["title"]
        assert told.problem["detail"]


@cases("line", b"GET %b", b"DELETE %b", b"GET %b/body", b"HEAD %b/body", b"POST %b/retry")
async def test_what_is_no_id_is_not_looked_for(proxy: Running, line: bytes) -> None:
    """A database may take it for a fault."""
    for id_ in (b"%00", b"x", b"0" * 31 + b"%0A"):
        told = await ask(proxy, line % (b"/outbox/messages/" + id_))
        assert told.status == 404
        if not line.startswith(b"HEAD"):
            detail = "There is no message with this id: ids have 32 hexadecimal digits."
            assert (told.code, told.problem["detail"]) == ("message_unknown", detail)


async def test_without_an_outbox_there_are_no_routes(
    serve: Serve, upstream: Upstream, authority: AuthorizationServer, tmp_path: Path
) -> None:
    """No folder is made."""
    proxy = await serve(tokened(document(upstream, authority), tmp_path))
    assert await read(proxy, b"GET /outbox") == {"routes": []}
    assert await read(proxy, b"GET /outbox/messages") == {"messages": [], "next": None}
    assert (await ask(proxy, b"POST /outbox/routes/orders/hold")).code == "route_unknown"
    assert not (tmp_path / "store").exists()


@cases(
    "line",
    b"GET /outbox",
    b"GET /outbox/messages",
    b"GET " + UNKNOWN,
    b"GET " + UNKNOWN + b"/body",
    b"POST " + UNKNOWN + b"/retry",
    b"DELETE " + UNKNOWN,
    b"POST /outbox/routes/orders/hold",
    b"POST /outbox/routes/orders/resume",
)
async def test_a_store_that_fails_is_a_503(proxy: Running, line: bytes) -> None:
    """Metrics and status tell it from an empty one."""
    await store_of(proxy).close()
    told = await ask(proxy, line)
    assert told.refusal == (503, "outbox_unavailable")
    assert int(told.field(b"Retry-After")[0]) > 0
    status, text = await proxy.ask_admin("/metrics")
    assert status == 200
    assert "cpi_proxy_outbox_messages{" not in text
    assert 'cpi_proxy_outbox_messages_max{route="orders"} 100000.0' in text
    assert json.loads((await proxy.ask_admin("/status"))[1])["outbox"] == {"available": False, "routes": []}


@cases("line", b"GET /outbox", b"GET " + UNKNOWN + b"/body", b"POST " + UNKNOWN + b"/retry", b"DELETE " + UNKNOWN)
async def test_nothing_is_told_without_the_token(proxy: Running, line: bytes) -> None:
    """Nor to another site's page with it."""
    assert (await admin.ask(proxy, line)).status == 401
    assert (await ask(proxy, line, b"Sec-Fetch-Site: cross-site")).status == 403


async def test_metrics_and_status_have_the_numbers(proxy: Running, upstream: Upstream) -> None:
    """Also for a route that keeps nothing."""
    await dead(proxy, upstream)
    await ask(proxy, b"POST /outbox/routes/orders/hold")
    await accepted(proxy)
    _, text = await proxy.ask_admin("/metrics")
    for sample in (
        'cpi_proxy_outbox_messages{route="orders",state="waiting"} 1.0',
        'cpi_proxy_outbox_messages{route="orders",state="delivering"} 0.0',
        'cpi_proxy_outbox_messages{route="orders",state="dead"} 1.0',
        'cpi_proxy_outbox_oldest_timestamp_seconds{route="orders"} 1.8e+09',
        'cpi_proxy_outbox_deliveries_total{outcome="died",route="orders"} 1.0',
        'cpi_proxy_outbox_held{route="orders"} 1.0',
        'cpi_proxy_outbox_bytes_max{route="orders"} 1.073741824e+10',
    ):
        assert sample in text
    numbers = await summary(proxy)
    assert numbers is not None
    assert f'cpi_proxy_outbox_bytes{{route="orders"}} {float(numbers.bytes)}' in text
    (shown,) = json.loads((await proxy.ask_admin("/status"))[1])["outbox"]["routes"]
    assert (shown["waiting"], shown["dead"], shown["held"]) == (1, 1, True)


async def test_who_watches_is_told_of_each_change(proxy: Running, upstream: Upstream) -> None:
    """By a proxy or a person."""
    told: list[str] = []
    end = proxy.app.outboxes.watch(told.append)

    async def telling(act: Callable[[], Awaitable[Any]]) -> Any:
        told.clear()
        found = await act()
        await until(lambda: told)
        assert set(told) == {"orders"}
        return found

    id_ = await telling(lambda: dead(proxy, upstream))
    upstream.script.appendleft(held := Held())
    await telling(partial(accepted, await proxy.sender()))
    await upstream.reach(2)
    await store_of(proxy).routes()  # what the store tells of the acceptance is told before
    told.clear()
    held.go.set()
    await until(lambda: told)
    for line in (b"POST /outbox/routes/orders/hold", b"POST " + at(id_, "/retry"), b"DELETE " + at(id_)):
        await telling(partial(ask, proxy, line))
    await telling(lambda: ask(proxy, b"POST /outbox/routes/orders/resume"))
    end()
    told.clear()
    await ask(proxy, b"POST /outbox/routes/orders/hold")
    assert told == []


async def test_what_a_person_decided_is_logged_although_the_client_left(proxy: Running, upstream: Upstream) -> None:
    """The store does it in any case."""
    id_ = await dead(proxy, upstream)
    store, asked, go = store_of(proxy), asyncio.Event(), asyncio.Event()
    discard = store.discard

    async def slow(id: str) -> MessageSummary:  # noqa: A002
        asked.set()
        await soon(go.wait())
        return await discard(id)

    store.discard = slow  # type: ignore[method-assign]
    sender = await proxy.sender(proxy.app.admin.port)
    fields = b"\r\nHost: localhost\r\n" + admin.BEARER + b"\r\n\r\n"
    await sender.send(b"DELETE " + at(id_) + b" HTTP/1.1" + fields)
    await soon(asked.wait())
    sender.leave()
    await turns()
    go.set()
    (line,) = await proxy.lines.reach("message.discarded")
    assert line["id"] == id_
    assert await kept(proxy) == []
