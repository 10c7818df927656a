"""Runs in an environment that has the wheel alone, at the end of `make dist`: is it whole? Ends with 1 if it is not."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PREFIX = Path(sys.prefix)
VARIABLES = {
    "CPI_UPSTREAM": "https://tenant.example/http/orders",
    "CPI_TOKEN_URL": "https://tenant.example/token",
    "CPI_CLIENT_ID": "id",
    "CPI_CLIENT_SECRET": "secret",
}


def command(*words: str) -> str:
    """What the installed command prints; an error if it fails."""
    program = PREFIX / "bin" / "cpi-oauth-proxy"
    return subprocess.run(
        [program, *words], check=True, stdout=subprocess.PIPE, text=True, cwd=PREFIX, env=os.environ | VARIABLES
    ).stdout


def main() -> str:
    """The first thing that is wrong, or nothing."""
    if command("schema") != (ROOT / "config" / "schema.json").read_text():
        return "The wheel has another configuration than this tree."
    if not (PREFIX / "share" / "man" / "man1" / "cpi-oauth-proxy.1").stat().st_size:
        return "The wheel's man page is empty."
    command("check")
    sys.stdout.write(f"{command('version').strip()} works alone.\n")
    return ""


if __name__ == "__main__":
    sys.exit(main() or None)
