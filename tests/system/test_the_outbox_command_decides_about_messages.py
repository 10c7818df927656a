"""`outbox` shows what a running proxy keeps, and does what a person decides about it."""

import asyncio
import base64
import json
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession

from proxy.admin.token_place import find_tokens
from proxy.config.model import Address
from tests.cases import cases
from tests.fakes.authorization_server import AuthorizationServer, granted
from tests.fakes.upstream import Call, Upstream, answer
from tests.system.command import Command, Finished, free_port

DOCUMENT = """
listen: 127.0.0.1:{port}
admin: 127.0.0.1:{admin}
store: {{path: store}}
oauth_clients:
  a: {{token_url: "{token_url}", client_id: a, client_secret: s}}
routes:
  - {{path: /orders, upstream: "{upstream}/orders", oauth_client: a, outbox: {{retries: [1h]}}}}
  - {{path: /returns, upstream: "{upstream}/returns", oauth_client: a, outbox: {{retries: [1h]}}}}
"""
UNKNOWN = "0" * 32


class Machine:
    """A configuration, a running proxy, and the tenant."""

    def __init__(self, folder: Path, upstream: Upstream, authority: AuthorizationServer) -> None:
        self.folder, self.upstream, self.authority = folder, upstream, authority
        self.fails = True
        "Whether the upstream answers with the status that a message asks for."
        upstream.script[0] = self._answer
        self.port, self.admin = free_port(), free_port()

    def configure(self) -> None:
        text = DOCUMENT.format(
            port=self.port, admin=self.admin, token_url=self.authority.url, upstream=self.upstream.url
        )
        (self.folder / "proxy.yaml").write_text(text)

    def started(self) -> Command:
        """Without runtime and state folders, as in a container."""
        return Command("run", "-c", str(self.folder / "proxy.yaml"), TMPDIR=str(self.folder), XDG_RUNTIME_DIR="")

    async def outbox(self, *words: str) -> Finished:
        configured, folder = ("-c", str(self.folder / "proxy.yaml")), str(self.folder)
        async with Command("outbox", *words, *configured, TMPDIR=folder, XDG_RUNTIME_DIR="") as command:
            return await command.ends()

    async def told(self, *words: str) -> Finished:
        """`outbox`, which succeeds."""
        done = await self.outbox(*words)
        assert (done.status, done.errors) == (0, "")
        return done

    async def post(self, status: int, path: str = "/orders", body: bytes = b"<order/>") -> str:
        """The id of a message that the upstream answers with this status."""
        fields = {"Content-Type": "application/xml", "X-Api-Key": "s3cr3t-key", "X-Status": str(status)}
        url = f"http://127.0.0.1:{self.port}{path}"
        async with ClientSession() as session, session.post(url, data=body, headers=fields) as told:
            assert told.status == 202
            return told.headers["Outbox-Id"]

    async def states(self) -> dict[str, str]:
        """The state of each message, when all were tried that could be."""
        address = Address(host="127.0.0.1", port=self.admin)
        places = {"TMPDIR": str(self.folder)}  # as for the commands: other folders keep what killed processes left
        (token,) = await asyncio.to_thread(find_tokens, address, places, self.folder / "store")
        url, fields = f"http://127.0.0.1:{self.admin}/outbox/messages", {"Authorization": f"Bearer {token}"}
        async with asyncio.timeout(30), ClientSession(headers=fields) as session:
            while True:
                async with session.get(url) as answer:
                    found = (await answer.json())["messages"]
                if all(each["attempts"] and each["state"] != "delivering" for each in found):
                    return {each["id"]: each["state"] for each in found}

    async def _answer(self, call: Call) -> None:
        (status,) = call.received.field(b"X-Status") if self.fails else [b"200"]
        told = [b"SAP_MessageProcessingLogID: AGmpl"] if status == b"400" else []  # with an id, a flow ran
        await answer(int(status), *told)(call)


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    """With a running proxy."""
    async with Upstream() as upstream, AuthorizationServer(granted("t")) as authority:
        machine = Machine(tmp_path, upstream, authority)
        machine.configure()
        async with machine.started() as command:
            await command.logs("proxy.started")
            yield machine


async def test_a_list_fits_into_80_columns(machine: Machine) -> None:
    """`outbox` alone is `outbox list`."""
    empty = await machine.told()
    assert [line.split()[:4] for line in empty.output.splitlines()[2:]] == [
        ["orders", "0", "0", "0"],
        ["returns", "0", "0", "0"],
    ]
    refused, waiting = await machine.post(400), await machine.post(404, "/returns")
    assert await machine.states() == {refused: "dead", waiting: "waiting"}
    done = await machine.told()
    lines = done.output.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[:5] for line in lines if refused in line] == [[refused, "orders", "dead:", "refused", "1"]]
    (line,) = (line for line in lines if waiting in line)
    assert "due in" in line
    narrowed = await machine.outbox("--route", "returns", "--state", "waiting", "--limit", "1")
    assert (refused in narrowed.output, waiting in narrowed.output, "orders" in narrowed.output) == (False, True, False)
    cut = await machine.outbox("list", "--limit", "1")
    assert (refused in cut.output, waiting in cut.output) == (True, False)
    assert cut.errors.startswith("These are the first 1;")


async def test_one_message_is_shown_with_what_happened(machine: Machine) -> None:
    """Without what may be a credential."""
    id_ = await machine.post(400)
    await machine.states()
    done = await machine.told("show", id_)
    for text in (id_, "dead: refused", "POST", "application/xml", "X-Api-Key: ***", "AGmpl", "400"):
        assert text in done.output
    assert "s3cr3t" not in done.output
    assert max(map(len, done.output.splitlines())) <= 80
    whole = json.loads((await machine.outbox("show", id_, "--json")).output)
    assert (whole["id"], whole["code"], whole["history"][0]["mpl_id"]) == (id_, "refused", "AGmpl")


@cases("body", {"small": b"<order/>", "large": bytes(range(256)) * 2000})
async def test_a_body_is_exported_byte_for_byte(machine: Machine, body: bytes) -> None:
    """To a file of this user alone, and as JSON with all else."""
    id_ = await machine.post(400, body=body)
    await machine.states()
    file = machine.folder / "body"
    assert (await machine.outbox("export", id_, "-o", str(file))) == Finished(status=0, output="", errors="")
    assert file.read_bytes() == body
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    document = machine.folder / "document"
    assert (await machine.outbox("export", id_, "--json", "-o", str(document))).status == 0
    whole = json.loads(document.read_text())
    assert (base64.b64decode(whole["body_base64"]), whole["id"]) == (body, id_)
    if body == b"<order/>":
        assert (await machine.outbox("export", id_)).output == "<order/>"
        assert json.loads((await machine.outbox("export", id_, "--json")).output) == whole
    failed = await machine.outbox("export", id_, "-o", str(machine.folder / "nowhere" / "body"))
    assert (failed.status, failed.errors) == (1, "The message could not be written: No such file or directory.")


async def test_a_body_that_cannot_be_read_leaves_no_file(machine: Machine) -> None:
    """Half of it under its name would look like all of it."""
    id_ = await machine.post(400, body=bytes(500_000))
    await machine.states()
    (kept,) = (machine.folder / "store" / "bodies").iterdir()
    os.truncate(kept, 499_999)
    before = set(machine.folder.iterdir())
    done = await machine.outbox("export", id_, "-o", str(machine.folder / "body"))
    assert (done.status, done.output) == (1, "")
    assert done.errors
    assert set(machine.folder.iterdir()) == before


async def test_named_messages_are_retried_and_discarded(machine: Machine) -> None:
    """With 1 if one of them is not there."""
    first, second = await machine.post(400), await machine.post(400)
    await machine.states()
    done = await machine.outbox("discard", first, UNKNOWN)
    assert (done.status, done.output) == (1, f"{first}: discarded")
    assert done.errors == f"{UNKNOWN}: There is no message {UNKNOWN}: it was delivered or discarded, or never existed."
    machine.fails = False
    done = await machine.outbox("retry", second)
    assert (done.status, done.output, done.errors) == (0, f"{second}: due now", "")
    assert await machine.states() == {}
    assert len(machine.upstream.requests) == 3


async def test_many_are_chosen_by_route_and_state(machine: Machine) -> None:
    """Dead ones by default; never without a terminal or --yes."""
    dead = [await machine.post(400), await machine.post(400)]
    other, waiting = await machine.post(400, "/returns"), await machine.post(404)
    await machine.states()
    asked = await machine.outbox("discard", "--route", "orders")
    assert asked.status == 2
    assert "there are 2 dead messages of route orders; give --yes to discard all of them." in asked.errors
    assert set(await machine.states()) == {*dead, other, waiting}
    done = await machine.outbox("discard", "--route", "orders", "--yes", "--json")
    told = json.loads(done.output)
    assert (done.status, {each["id"] for each in told["done"]}, told["failed"]) == (0, set(dead), [])
    assert set(await machine.states()) == {other, waiting}
    machine.fails = False
    done = await machine.outbox("retry", "--state", "dead", "--yes")
    assert (done.status, done.output) == (0, "1 message: due now.")
    assert set(await machine.states()) == {waiting}
    done = await machine.outbox("retry", "--route", "orders", "--state", "waiting", "--yes")
    assert (done.status, await machine.states()) == (0, {})
    assert (await machine.outbox("retry", "--route", "orders")).output == "0 messages: due now."


async def test_a_route_is_held_and_resumed(machine: Machine) -> None:
    """And the list says so."""
    done = await machine.outbox("hold", "orders")
    said = "Route orders is held: it accepts, and delivers nothing. Messages still die when they are `max_age` old."
    assert (done.status, done.output) == (0, said)
    (line,) = (line for line in (await machine.outbox()).output.splitlines() if line.startswith("orders"))
    assert line.split()[-1] == "held"
    assert not json.loads((await machine.outbox("resume", "orders", "--json")).output)["held"]
    assert (await machine.outbox("resume", "orders")).output == "Route orders delivers."


@cases(
    "words, status, told",
    (["show", UNKNOWN], 1, "There is no message"),
    (["hold", "nowhere"], 1, "No route nowhere has an outbox"),
    (["list", "--route", "nowhere"], 1, "There is no outbox of route nowhere; the outboxes are orders, returns."),
    (["retry"], 2, "name one or more messages, or several by --route and --state."),
    (["retry", UNKNOWN, "--state", "dead"], 2, "name one or more messages, or several by --route and --state."),
    (["list", "--state", "lost"], 2, "is not one of"),
)
async def test_what_cannot_be_done_is_told(machine: Machine, words: list[str], status: int, told: str) -> None:
    """With 1 for what is not there, 2 for wrong words."""
    done = await machine.outbox(*words)
    assert (done.status, done.output) == (status, "")
    assert told in done.errors
