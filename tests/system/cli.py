"""A command that ends by itself, in front of a sandbox tenant within the test."""

import asyncio
from pathlib import Path

from proxy.sandbox.tenant import Tenant
from tests.system.command import ROOT, Finished, environment
from tests.system.forked import Forked, input_pipe, output_pipe

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
    """Writes the tenant's files and a configuration with its URLs."""
    await asyncio.to_thread(tenant.write, folder)
    known = {"neo": tenant.neo_token_url, "xsuaa": tenant.xsuaa_token_url, "runtime": tenant.runtime_url}
    file = folder / "proxy.yaml"
    await asyncio.to_thread(file.write_text, text.format(**known | values))
    return file


async def call(file: Path, *words: str, stdin: bytes = b"", output_end: int = -1, **variables: str) -> Finished:
    """The command with this configuration, to its end; standard output may be another than a pipe that is read."""
    return await finished(*words, "-c", str(file), cwd=ROOT, stdin=stdin, output_end=output_end, **variables)


async def finished(*words: str, cwd: Path, stdin: bytes = b"", output_end: int = -1, **variables: str) -> Finished:
    """The command, to its end."""
    output = asyncio.StreamReader()
    if output_end < 0:
        output, output_end = await output_pipe()
    else:
        output.feed_eof()
    errors, errors_end = await output_pipe()
    writing, input_end = input_pipe(stdin)
    streams = (input_end, output_end, errors_end)
    process = await Forked.start(*words, cwd=cwd, environ=environment(variables), streams=streams)
    printed, said, status, _ = await asyncio.gather(output.read(), errors.read(), process.wait(), writing)
    return Finished(status=status, output=printed.decode(errors="replace"), errors=said.decode())
