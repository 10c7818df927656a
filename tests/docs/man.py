"""The man page, from `--help`."""

from collections.abc import Iterator

import click

from proxy import __version__
from proxy.cli.group import main
from tests.docs.pages import ROOT

NAME = "cpi-oauth-proxy"
PAGE = ROOT / "docs" / f"{NAME}.1"
END = """.SH FILES
.I ./proxy.yaml\\fR,
.I ./config/proxy.yaml\\fR,
.I /etc/cpi\\-oauth\\-proxy/proxy.yaml
.RS
The configuration, if no other is named.
.RE
.SH ENVIRONMENT
Without a file, variables make one route: CPI_UPSTREAM, CPI_TOKEN_URL, CPI_CLIENT_ID, CPI_CLIENT_SECRET_FILE and others,
which docs/configuration.md lists.
"""


def man_page() -> str:
    """For man(7)."""
    context = main.make_context(NAME, [], resilient_parsing=True)
    head = f'.TH CPI\\-OAUTH\\-PROXY 1 "" "{NAME} {__version__}" "User Commands"\n.SH NAME\n'
    summary = (main.help or "").rstrip(".")
    parts = [f"{head}{roff(NAME)} \\- {roff(summary[0].lower() + summary[1:])}", *synopsis(context), ".SH COMMANDS"]
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        parts += described(command, command.make_context(name, [], parent=context, resilient_parsing=True))
    return "\n".join(parts) + "\n" + END


def synopsis(context: click.Context) -> Iterator[str]:
    """With the options before the command."""
    yield f".SH SYNOPSIS\n.B {roff(NAME)}\n{roff(' '.join(main.collect_usage_pieces(context)))}\n.SH OPTIONS"
    yield from option_list(main, context)


def described(command: click.Command, context: click.Context) -> Iterator[str]:
    """Usage, text, options; then the commands below."""
    usage = " ".join(command.collect_usage_pieces(context))
    name = context.command_path.removeprefix(NAME).strip()
    yield f".SS {roff(name)}\n.B {roff(context.command_path)}\n{roff(usage)}\n.PP"
    yield from text(command.help or "")
    yield from option_list(command, context)
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from described(below, below.make_context(name, [], parent=context, resilient_parsing=True))


def text(of: str) -> Iterator[str]:
    """In paragraphs; after a backspace lines stay, as in `--help`."""
    for paragraph in of.strip().split("\n\n"):
        kept = paragraph.startswith("\b\n")
        lines = "\n".join(roff(line if kept else line.strip()) for line in paragraph.removeprefix("\b\n").splitlines())
        yield f".nf\n{lines}\n.fi\n.PP" if kept else f"{lines}\n.PP"


def option_list(command: click.Command, context: click.Context) -> Iterator[str]:
    """`--help` is the program's alone."""
    for each in command.get_params(context) if command is main else command.params:
        if isinstance(each, click.Option) and (record := each.get_help_record(context)):
            yield f".TP\n.B {roff(record[0])}\n{roff(record[1])}"


def roff(line: str) -> str:
    """For itself."""
    escaped = line.replace("\\", "\\e").replace("-", "\\-")
    escaped = "".join(each if each.isascii() else f"\\[u{ord(each):04X}]" for each in escaped)
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
