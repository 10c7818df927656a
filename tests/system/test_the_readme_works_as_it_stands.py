"""The commands of README.md and two pages of docs, run as the pages show them; they print what the pages show."""

import asyncio
import fcntl
import json
import re
import shlex
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs.pages import Block, blocks
from tests.system.cli import finished
from tests.system.command import ROOT, Command, Finished, environment, execute
from tests.unit.config.entries import SECRET_KEY

README = ROOT / "README.md"
COMMANDS = ROOT / "docs" / "commands.md"
FIRST = ROOT / "docs" / "getting-started.md"
PORTS = (9443, 9444, 9445, 9446, 8080, 9901)
"Those of README.md, in the order in which `--port-base` moves them."
OTHERS = range(19443, 29443, len(PORTS))
"Where they are moved to, if another program has one of them."
NOT_RUN = {
    "make run": "its recipe is run, and prints what the page shows",
    "make test": "it runs this test",
    "python3 -m venv cpi": "it is done by the test of the wheel",
    "cpi/bin/pip install .": "it is done by the test of the wheel",
    "cpi/bin/cpi-oauth-proxy run -c proxy.yaml": "it does not end by itself: started and stopped by a test of its own",
}
"Commands of README.md that `test_each_block_does_what_it_says` leaves out, and why."
KEY = {
    "clientid": "sb-0b5c5a4e-51f2-4a5e-8a4c-000000000000!b1234|it-rt-acme!b56",
    "clientsecret": "secret",
    "tokenurl": "https://acme.authentication.eu10.hana.ondemand.com/oauth/token",
    "url": "https://acme.it-cpi001-rt.cfapps.eu10.hana.ondemand.com",
}
"The service key that docs/commands.md imports."


def commands(block: Block) -> list[str]:
    """All of a shell's, and those behind `$` of a transcript."""
    lines = [line.partition("  #")[0].rstrip() for line in block.text.replace("\\\n", "").splitlines()]
    if block.language == "console":
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    return [re.sub(r"  +", " ", line) for line in lines if line]


def shell_blocks(*pages: Path) -> list[Block]:
    """The blocks that are for a shell."""
    return [block for page in pages for block in blocks(page, "sh")]


def is_run(block: Block) -> bool:
    """Whether a block needs nothing but the sandbox of `make run`."""
    return all("127.0.0.1" in line or line.startswith("token=") for line in commands(block))


def taken(port: int) -> bool:
    """Whether another program listens on the port."""
    with socket.socket() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


@dataclass(frozen=True)
class Place:
    """Where a test has its ports, of which the first is `base`."""

    base: int

    def moved(self, text: str) -> str:
        """A page's text, with the test's ports in place of the page's."""
        number = re.compile(rf"(?<=:)({'|'.join(map(str, PORTS))})\b")
        return number.sub(lambda found: str(self.ports[PORTS.index(int(found[1]))]), text)

    @property
    def ports(self) -> tuple[int, ...]:
        """In the order of `PORTS`."""
        return PORTS if self.base == PORTS[0] else tuple(range(self.base, self.base + len(PORTS)))

    @property
    def variables(self) -> dict[str, str]:
        """What `make run` says to export before other commands; nothing at the page's own ports."""
        neo, _, runtime, _, listen, admin = map(str, self.ports)
        named = {"NEO": neo, "RUNTIME": runtime, "PROXY": listen, "ADMIN": admin}
        return {} if self.ports == PORTS else {f"SANDBOX_{name}_PORT": port for name, port in named.items()}


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    """The README's own ports, or others if another program has one; for one test at a time on this machine."""
    with await asyncio.to_thread(Path(tempfile.gettempdir(), "cpi-oauth-proxy-ports.lock").open, "w") as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        places = (Place(base) for base in (PORTS[0], *OTHERS))
        yield next(each for each in places if not any(map(taken, each.ports)))


@pytest.fixture
async def served(place: Place, tmp_path: Path) -> AsyncIterator[Command]:
    """With its files in the test's folder."""
    (tmp_path / "config").mkdir()
    shutil.copy(ROOT / "config" / "sandbox.yaml", tmp_path / "config")
    recipe = re.search(r"^run:.*\n\t@\$\(BIN\)/cpi-oauth-proxy (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe is not None
    async with Command(*recipe[1].replace("$(PORT_BASE)", str(place.base)).split(), cwd=tmp_path) as command:
        await command.prints(r".*Ctrl-C ends.*")
        yield command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """In which `cpi-oauth-proxy` is found, with a virtual environment or not."""
    program = tmp_path / "cpi" / "bin" / "cpi-oauth-proxy"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m proxy "$@"\n')
    program.chmod(0o755)
    return tmp_path


async def shell(text: str, folder: Path, place: Place) -> Finished:
    """A block of commands, run to its end in the folder; a shell has its part in all but a command by itself."""
    text = place.moved(text)
    if text.startswith("cpi-oauth-proxy ") and not set(text.strip()) & set("\n|<>&;$`*"):
        return await finished(*shlex.split(text)[1:], cwd=folder, stdin=b"", output_end=-1, **place.variables)
    path = f"{folder}/cpi/bin:{environment({})['PATH']}"
    return await execute("sh", "-eu", "-c", text, cwd=folder, env=environment({"PATH": path} | place.variables))


def test_the_same_commands_are_run_at_other_ports() -> None:
    """Each of the README's ports is replaced, and nothing else; nothing at its own ports."""
    text = " ".join(f"http://127.0.0.1:{port}/{port}" for port in PORTS)
    others = Place(19443)
    assert others.moved(text) == " ".join(f"http://127.0.0.1:{19443 + at}/{port}" for at, port in enumerate(PORTS))
    assert others.variables == {
        "SANDBOX_NEO_PORT": "19443",
        "SANDBOX_RUNTIME_PORT": "19445",
        "SANDBOX_PROXY_PORT": "19447",
        "SANDBOX_ADMIN_PORT": "19448",
    }
    assert (Place(PORTS[0]).moved(text), Place(PORTS[0]).variables) == (text, {})


def test_each_command_is_run_or_left_out_for_a_reason() -> None:
    """Here."""
    ours = [block for block in blocks(README) if block.language in ("sh", "console")]
    left = [line for block in ours if not is_run(block) for line in commands(block)]
    assert sorted(set(left) - {"cpi/bin/cpi-oauth-proxy check -c proxy.yaml"}) == sorted(NOT_RUN)


@pytest.mark.needs("curl")
async def test_each_block_does_what_it_says(served: Command, folder: Path, place: Place) -> None:
    """With the status behind `#`, else 200."""
    tried = [block for block in shell_blocks(README, COMMANDS) if is_run(block)]
    assert len(tried) >= 5
    for block in tried:
        done = await shell(block.text, folder, place)
        assert (done.status, str(block)) == (0, str(block)), done.errors
        if "curl -i" in block.text:
            status = re.search(r"  # (\d{3})$", block.text, re.MULTILINE)
            assert f"HTTP/1.1 {status[1] if status else 200}" in done.output, str(block)
            assert status or answer_to(block.text) in done.output, str(block)
    await served.stop()
    failing = [block for block in tried if "  # 5" in block.text]
    assert len([line for line in served.errors if re.match(r"\S+ 5\d\d ", line)]) == len(failing)


def answer_to(text: str) -> str:
    """The product, or the message itself."""
    message = re.search(r" -d '([{<].*?)'", text)
    assert message is not None
    return "Photo Scan" if "HT-1080" in message[1] else message[1]


def pattern(transcript: str) -> str:
    """Without its spaces; numbers and ids differ, `…` is anything."""
    text = bare(transcript)
    for varying in (r"AG[\w-]{26}", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", r"[A-F0-9]{32}"):
        text = re.sub(varying, "<id>", text)
    found = re.escape(re.sub(r"\d+(\.\d+)?", "0", text))
    return found.replace("<id>", r"[\w-]+").replace("0", r"\d+(\.\d+)?").replace("…", ".*")


def bare(printed: str) -> str:
    """Without spaces: a terminal gets other ones than a pipe."""
    return "".join(printed.split())


def steps(block: Block) -> list[tuple[str, str]]:
    """(command, what it prints) of a transcript."""
    text = block.text.replace("\\\n", "")
    parts = [step.partition("\n") for step in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]]
    return [(command, printed) for command, _, printed in parts]


async def test_make_run_prints_what_the_readme_shows(served: Command) -> None:
    """The lines of the transcript, in this order; at other ports, what to export stands between them."""
    (block,) = blocks(README, "console")
    ((_, shown),) = steps(block)
    printed = [line for line in served.output if not line.startswith(("Before other commands", "  export "))]
    assert re.match(pattern(shown), bare("\n".join(printed)))


@pytest.mark.needs("curl")
async def test_commands_print_what_their_page_shows(served: Command, folder: Path, place: Place) -> None:
    """Each step of each transcript, but for numbers and ids."""
    assert served.output
    (folder / "service-key.json").write_text(json.dumps(KEY))
    for block in [*blocks(COMMANDS, "console"), *blocks(FIRST, "console")]:
        for command, shown in steps(block):
            name = command.removeprefix("cat ")
            if name != command and not (folder / name).exists():  # a file of the user's own, as the page shows it
                (folder / name).write_text(place.moved(shown))
            done = await shell(command, folder, place)
            said = done.errors + done.output
            assert not shown or re.fullmatch(pattern(shown), bare(said)), (str(block), command, said)


async def test_the_example_of_a_log_line_is_one_that_appears(served: Command) -> None:
    """Of the tour's messages, in the form for people."""
    (block,) = [each for each in blocks(FIRST, "text") if " mpl=" in each.text]
    row = re.sub(r"mpl=\S+", r"mpl=\\S+", re.sub(r"\d\d:[\d:.]+|\d+\.\d", r"\\S+", block.text.strip()))
    await served.prints(r".*Ctrl-C ends.*")
    ended = await served.stop()
    assert re.search(rf"^{row}$", ended.errors, re.MULTILINE)


def configurations() -> list[str]:
    """The smallest configurations of README.md: Neo and BTP."""
    return [block.text for block in blocks(README, "yaml")]


@pytest.mark.parametrize("text", configurations(), ids=["neo", "btp"])
async def test_each_configuration_is_checked_and_served(text: str, place: Place, folder: Path) -> None:
    """By the page's own two commands."""
    listen, admin = (f"127.0.0.1:{port}" for port in place.ports[-2:])
    moved = "" if place.ports == PORTS else f"listen: {listen}\nadmin: {admin}\n"
    (folder / "proxy.yaml").write_text(text + moved)
    (folder / "orders-secret").write_text("secret")
    (folder / "service-key.json").write_text(SECRET_KEY)
    for name in ("orders-secret", "service-key.json"):
        (folder / name).chmod(0o600)
    check, run = [line for block in shell_blocks(README) for line in commands(block) if "-c proxy.yaml" in line]
    checked = await shell(check, folder, place)
    assert (checked.status, checked.errors) == (0, "")
    async with Command(*run.split()[1:], cwd=folder) as running:
        detail = (await running.logs("proxy.started"))["detail"]
    assert detail.startswith(f"listening on {listen}, admin on {admin}; ")


async def test_the_tour_shows_the_example_first(served: Command) -> None:
    """Three answers, all good."""
    answers = [line for line in served.output if line.startswith("  answer")]
    assert [line.split()[1] for line in answers] == ["200", "200", "200"]
    assert "\n".join(served.output).count('"Photo Scan"') == 2
