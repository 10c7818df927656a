"""What stands about a proxy that meets trouble: a tenant that can go away, its certificate, and files."""

import itertools
import json
import ssl
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from bench.laboratory import PROXY_CORE
from tests.fakes.sender import Sender, request
from tests.fakes.tenant import CountingUpstream, TokenEndpoint
from tests.system.command import Proxy


@dataclass(slots=True)
class Stage:
    """All that stands: the tenant, its certificates, and files."""

    folder: Path
    endpoint: TokenEndpoint
    upstream: CountingUpstream
    numbers: "itertools.count[int]"

    def written(self, name: str, **options: object) -> Path:
        """`/orders` as one OAuth client, `/invoices` as another, and other options."""
        file = self.folder / f"{name}.yaml"
        file.write_text(
            json.dumps(
                {
                    "listen": "127.0.0.1:0",
                    "admin": "127.0.0.1:0",
                    "oauth_clients": {each: self._client(each) for each in ("orders", "invoices")},
                    "routes": [self.route("/orders", "orders"), self.route("/invoices", "invoices")],
                    "log": {"sample": 0},
                    **options,
                }
            )
        )
        return file

    def route(self, path: str, client: str, **options: object) -> dict[str, object]:
        tls = {"ca_file": str(self.folder / "ca.pem")}
        return {"path": path, "upstream": self.upstream.url + path, "oauth_client": client, "tls": tls, **options}

    def secret(self, client: str, content: str) -> None:
        fresh = self.folder / "fresh"
        fresh.write_text(content)
        fresh.chmod(0o600)
        fresh.rename(self.folder / client)

    def _client(self, name: str) -> dict[str, str]:
        return {"token_url": self.endpoint.url, "client_id": name, "client_secret_file": str(self.folder / name)}


class Pinned(Proxy):
    """`run` on the proxies' core."""

    before = ("taskset", "-c", PROXY_CORE)


async def first(port: int, path: str) -> None:
    """An exchange before any load: the token is there afterwards."""
    sender = await Sender.connect(port)
    answer = await sender.ask(request(b"POST " + path.encode(), body=b"no number"))
    sender.leave()
    if answer.status != 200:
        sys.exit(f"The first message was answered with {answer.status}.")


@asynccontextmanager
async def stage(takes: float, **lifetimes: float) -> AsyncIterator[Stage]:
    """A tenant that takes so many seconds for a message; tokens of OAuth clients last as said."""
    with tempfile.TemporaryDirectory(prefix="cpi-bench-") as name:
        folder, authority = Path(name), trustme.CA()
        authority.cert_pem.write_to_path(folder / "ca.pem")
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.minimum_version = ssl.TLSVersion.TLSv1_3
        authority.issue_cert("127.0.0.1").configure_cert(tls)
        async with TokenEndpoint("first") as endpoint, CountingUpstream(endpoint, tls=tls, takes=takes) as upstream:
            endpoint.lifetimes = dict(lifetimes)
            set_up = Stage(folder, endpoint, upstream, itertools.count(1))
            for client in ("orders", "invoices"):
                set_up.secret(client, "first")
            yield set_up
