"""Core dumps are forbidden before a command reads anything."""

import asyncio
import os
import re
from pathlib import Path

from proxy.cli.group import COMMANDS
from tests.cases import cases
from tests.system.command import Command

WITHOUT_SECRETS = {"sandbox", "schema", "version"}
"They read no file."
WORDS = {"import-key": [], "init": ["--flow", "/x", "--key"], "send": ["/orders", "--data", "x", "-c"]}


@cases("name", *sorted(set(COMMANDS) - WITHOUT_SECRETS))
async def test_no_core_is_dumped_while_a_command_reads_its_file(name: str, tmp_path: Path) -> None:
    """Its limit is 0, which it cannot raise again."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    async with Command(name, *WORDS.get(name, ["-c"]), str(pipe)) as command:
        writer = await asyncio.to_thread(os.open, pipe, os.O_WRONLY)  # returns when the command has opened it
        limits = await asyncio.to_thread(Path(f"/proc/{command.pid}/limits").read_text)
        os.write(writer, b"[]")
        os.close(writer)
        assert (await command.ends()).status == 2
    assert re.search(r"Max core file size +0 +0 ", limits)
