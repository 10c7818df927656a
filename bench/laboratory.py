"""The place of all measurements: an upstream on the second core, a token endpoint in this process, certificates."""

import hashlib
import json
import os
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import Template

import trustme

from bench.machine import free_port
from bench.process import Process, running

CONTESTANTS = Path(__file__).parent / "contestants"
PROXY_CORE, LOAD_CORE = "0", "1"
USUAL_TOKEN = 1380
"Octets."
PROXY = (sys.executable, "-P", "-m", "proxy", "run", "-c")
LIFETIME = 86400


class TokenServer(ThreadingHTTPServer):
    """Grants a token to whoever asks, each its own."""

    request_queue_size = 128
    grants = 0


class Granting(BaseHTTPRequestHandler):
    """A number at the end of the path says how many octets the token shall have."""

    server: TokenServer

    def do_POST(self) -> None:
        """RFC 6749 §5.1."""
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.server.grants += 1
        size = self.path.rpartition("/")[2]
        owner = self.headers["Authorization"] or ""
        answer = json.dumps(
            {
                "access_token": token(owner, int(size) if size.isdigit() else USUAL_TOKEN),
                "token_type": "Bearer",
                "expires_in": LIFETIME,
            }
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
        """Nothing."""


def token(owner: str, size: int) -> str:
    """So many octets, for each owner others."""
    return (hashlib.sha256(owner.encode()).hexdigest() + "bench." * size)[:size]


class Laboratory:
    """The upstream and the token endpoint while they run."""

    def __init__(self, folder: Path, upstream: int, tokens: TokenServer) -> None:
        self.folder = folder
        self._upstream, self._tokens = upstream, tokens

    @property
    def grants(self) -> int:
        return self._tokens.grants

    def contestant(self, name: str, words: list[str], port: int) -> AbstractContextManager[Process]:
        """One that is configured by its template; it ends with the context."""
        file = configure(
            next(CONTESTANTS.glob(f"{name}.*")),
            folder=str(self.folder),
            upstream=str(self._upstream),
            token_port=str(self._tokens.server_port),
            token=token("", USUAL_TOKEN),
            port=str(port),
        )
        return running([*words, file], PROXY_CORE, port)

    def proxy(
        self,
        port: int,
        *,
        routes: int = 1,
        clients: int = 1,
        token_size: int = USUAL_TOKEN,
        outbox: Mapping[str, object] | None = None,
        **others: object,
    ) -> AbstractContextManager[Process]:
        """Ours with so many routes, `/orders/0` and so on, which so many OAuth clients share in turn.

        All but the first keep messages if there is to be an `outbox`.
        """
        url = f"http://127.0.0.1:{self._tokens.server_port}/token/{token_size}"
        configuration = {
            "listen": f"127.0.0.1:{port}",
            "admin": "127.0.0.1:0",
            "oauth_clients": {
                f"client-{number}": {"token_url": url, "client_id": f"client-{number}", "client_secret": "bench-secret"}
                for number in range(clients)
            },
            "routes": [
                {
                    "path": f"/orders/{number}",
                    "upstream": f"https://127.0.0.1:{self._upstream}/http/orders/{number}",
                    "oauth_client": f"client-{number % clients}",
                    "tls": {"ca_file": str(self.folder / "ca.pem")},
                }
                | ({"outbox": outbox} if outbox and number else {})
                for number in range(routes)
            ],
            **others,
        }
        file = self.folder / f"{port}-proxy.yaml"
        file.write_text(json.dumps(configuration))
        return running([*PROXY, str(file)], PROXY_CORE, port, path="/orders/0", log=self.log(port))

    def log(self, port: int) -> Path:
        return self.folder / f"{port}-proxy.log"


@contextmanager
def laboratory() -> Iterator[Laboratory]:
    """While measurements last; this process and what it starts are on the second core."""
    with ExitStack() as stack:
        stack.callback(os.sched_setaffinity, 0, os.sched_getaffinity(0))
        os.sched_setaffinity(0, {int(LOAD_CORE)})
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cpi-bench-")))
        folder.chmod(0o755)
        authority = trustme.CA()
        issued = authority.issue_cert("127.0.0.1", "localhost")  # nginx knows no addresses in certificates
        authority.cert_pem.write_to_path(folder / "ca.pem")
        issued.private_key_pem.write_to_path(folder / "server.key")
        (folder / "server.pem").write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        (folder / "large").write_bytes(os.urandom(1_000_000))
        endpoint = TokenServer(("127.0.0.1", 0), Granting)
        threading.Thread(target=endpoint.serve_forever, daemon=True).start()
        stack.callback(endpoint.shutdown)
        upstream = free_port()
        file = configure(CONTESTANTS / "upstream.conf", folder=str(folder), port=str(upstream))
        stack.enter_context(running(["nginx", "-e", "/dev/null", "-c", file], LOAD_CORE, upstream, tls=True))
        yield Laboratory(folder, upstream, endpoint)


def configure(template: Path, **values: str) -> str:
    """Fills a template into `folder`; nginx's own variables stay."""
    file = Path(values["folder"], f"{values['port']}-{template.name}")
    file.write_text(Template(template.read_text()).safe_substitute(values))
    return str(file)
