"""A command that ends by itself, in front of a sandbox tenant within the test."""

import asyncio
import sys
from pathlib import Path

from proxy.sandbox.tenant import Tenant
from tests.system.command import Finished, environment, execute

CONFIGURATION = """
oauth_clients:
  orders:
    token_url: {neo}
    provider: neo
    client_id: sandbox-neo-client
    client_secret_file: neo-secret
    tls: {{ca_file: ca.pem}}
  invoices:
    service_key_file: service-key.json
    tls: {{ca_file: ca.pem}}
routes:
  - {{path: /orders, upstream: "{runtime}/http/orders", oauth_client: orders, tls: {{ca_file: ca.pem}}}}
  - {{path: /invoices, upstream: /http/invoices, oauth_client: invoices, tls: {{ca_file: ca.pem}}}}
"""


async def configure(tenant: Tenant, folder: Path, text: str = CONFIGURATION, **values: str) -> Path:
    """Writes the tenant's files and, beside them, the configuration, with the tenant's URLs in it."""
    await asyncio.to_thread(tenant.write, folder)
    known = {"neo": tenant.neo_token_url, "xsuaa": tenant.xsuaa_token_url, "runtime": tenant.runtime_url}
    file = folder / "proxy.yaml"
    await asyncio.to_thread(file.write_text, text.format(**known | values))
    return file


async def call(file: Path, *words: str, stdin: bytes = b"", **variables: str) -> Finished:
    """The command with this configuration, to its end."""
    command = (sys.executable, "-m", "proxy", *words, "-c", str(file))
    return await execute(*command, stdin=stdin, env=environment(variables))
