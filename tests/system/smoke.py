"""Says whether a wheel is whole, in an environment that has nothing else: at the end of `make dist`.

It sends a message through the proxy to the sandbox. If something is wrong, it ends with 1 and says what.
"""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
PREFIX = Path(sys.prefix)
VARIABLES = {
    "CPI_UPSTREAM": "https://tenant.example/http/orders",
    "CPI_TOKEN_URL": "https://tenant.example/token",
    "CPI_CLIENT_ID": "id",
    "CPI_CLIENT_SECRET": "secret",
}
PROGRAM = PREFIX / "bin" / "cpi-oauth-proxy"
ORDER = b'{"productIdentifier":"HT-1080"}'
CONFIGURATION = """
listen: 127.0.0.1:0
admin: 127.0.0.1:0
oauth_clients:
  orders: {service_key_file: sandbox/service-key.json, tls: {ca_file: sandbox/ca.pem}}
routes:
  - {path: /orders, upstream: /http/orders, oauth_client: orders, tls: {ca_file: sandbox/ca.pem}}
"""


def command(*words: str, folder: Path = PREFIX, environ: Mapping[str, str] = os.environ) -> str:
    """What the installed command prints; an error if it fails."""
    return subprocess.run(
        [PROGRAM, *words], check=True, stdout=subprocess.PIPE, text=True, cwd=folder, env=environ
    ).stdout


@contextmanager
def running(folder: Path, *words: str, ready: Callable[[str], str]) -> Iterator[str]:
    """The command, until the block ends; what `ready` finds in a line of its output or log. An error if it fails."""
    process = subprocess.Popen(
        [PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder
    )
    with process:
        assert process.stdout is not None
        try:
            found = next(filter(None, map(ready, process.stdout)), "")
            if not found:
                raise ChildProcessError(f"{words[0]} ended before it was ready")
            yield found
        finally:
            process.terminate()
            process.stdout.read()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)


def address_of_a_started_proxy(line: str) -> str:
    """Its listener, if this line of the log tells it."""
    event = json.loads(line)
    started: bool = event["event"] == "proxy.started"
    return str(event["detail"].removeprefix("listening on ").partition(",")[0]) if started else ""


def what_arrives(folder: Path) -> str:
    """The answer to a message that passes through the proxy to the flow of the sandbox."""
    (folder / "proxy.yaml").write_text(CONFIGURATION)
    words = ("sandbox", "--port-base", "0", "--directory", "sandbox")
    with running(folder, *words, ready=lambda line: line if line.startswith("certificates, ") else ""):
        command("check", "-c", "proxy.yaml", folder=folder)
        with running(folder, "run", "-c", "proxy.yaml", ready=address_of_a_started_proxy) as address:
            message = urllib.request.Request(f"http://{address}/orders", ORDER)
            with urllib.request.urlopen(message, timeout=60) as answer:
                return str(answer.read().decode())


def main() -> str:
    """The first thing that is wrong, or nothing."""
    if command("schema") != (ROOT / "config" / "schema.json").read_text():
        return "The wheel has another configuration than this tree."
    if not (PREFIX / "share" / "man" / "man1" / "cpi-oauth-proxy.1").stat().st_size:
        return "The wheel's man page is empty."
    if command("version").split()[-1] not in (ROOT / "proxy" / "__init__.py").read_text():
        return "The wheel has another version than this tree."
    command("check", environ=os.environ | VARIABLES)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder
        if "Photo Scan" not in what_arrives(Path(folder)):
            return "The message does not get the answer of the flow."
    sys.stdout.write(f"{command('version').strip()} works alone.\n")
    return ""


if __name__ == "__main__":
    sys.exit(main() or None)
