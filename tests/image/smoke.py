"""Runs inside the image, as its user: is it what an operator expects? The first thing that is not ends it with 1.

Its one argument is JSON: what the image says of itself (`Entrypoint`, `Cmd`, `User`, `Healthcheck`), `Lock`, the text
of constraints.lock, and `Sandbox`, the one folder that is writable. Needs nothing but Python's own library, and nothing
outside the image.
"""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

UID = 10001
MOUNTED = ("/proc", "/sys", "/dev")
"No part of the root file system."


def main(image: dict[str, Any]) -> None:
    """All that is expected, in order."""
    expect("entry point", image["Entrypoint"], ["cpi-oauth-proxy"])
    expect("user", image["User"], f"{UID}:{UID}")
    expect("user and group at run time", (os.getuid(), os.getgid()), (UID, UID))
    expect("folders that this user can write to", list(writable(image["Sandbox"])), [])
    found = installed()
    expect("distributions that are not those of constraints.lock", unlocked(found, image["Lock"]), [])
    expect("distributions by the bill of materials", materials(), sorted(f"pkg:pypi/{each}" for each in found))
    expect("exit of version", subprocess.run([*image["Entrypoint"], "version"], check=False).returncode, 0)
    with tenant(image["Entrypoint"], image["Sandbox"]) as variables:
        serve([*image["Entrypoint"], *image["Cmd"]], image["Healthcheck"]["Test"], variables)


def expect(what: str, found: object, expected: object) -> None:
    """Ends the program if they differ."""
    if found != expected:
        sys.exit(f"The image is not as expected. {what}: {found!r}, where {expected!r} would be right.")


def writable(sandbox: str) -> Iterator[str]:
    """Directories of the root file system that this user can write to."""
    for folder, folders, _ in os.walk("/"):
        if folder in (*MOUNTED, sandbox):
            folders.clear()
        elif os.access(folder, os.W_OK):
            yield folder


def installed() -> list[str]:
    """The distributions in the proxy's environment, as name@version."""
    asked = "import importlib.metadata as m; print(*(f'{d.name}@{d.version}' for d in m.distributions()), sep='\\n')"
    lines = subprocess.run(["python", "-c", asked], check=True, capture_output=True, text=True).stdout.split()
    return [normalized(*line.split("@")) for line in lines]


def unlocked(found: list[str], lock: str) -> list[str]:
    """Those of them that are not those of constraints.lock."""
    pins = (line.partition(" ")[0].partition("==") for line in lock.splitlines())
    locked = {normalized(name, version) for name, _, version in pins}
    return [each for each in found if each not in locked and not each.startswith("cpi-oauth-proxy@")]


def materials() -> list[str]:
    """What the image's bill of materials names, as package URLs without qualifiers."""
    with open(f"{sys.prefix}/sbom.cdx.json", encoding="utf-8") as file:  # noqa: PTH123 - the fewest imports
        bill = json.load(file)
    expect("form of the bill of materials", (bill["bomFormat"], bill["specVersion"]), ("CycloneDX", "1.6"))
    parts = bill["components"]
    expected = [f"pkg:pypi/{normalized(each['name'], each['version'])}" for each in parts]
    found = [each.get("purl", "").partition("?")[0] for each in parts]
    expect("package URLs in the bill of materials", found, expected)
    return sorted(found)


def normalized(name: str, version: str) -> str:
    """As PyPI compares names."""
    return f"{re.sub(r'[-_.]+', '-', name).lower()}@{version}"


@contextmanager
def tenant(program: list[str], folder: str) -> Iterator[dict[str, str]]:
    """A running stand-in tenant, and the variables that make the proxy its OAuth client."""
    command = [*program, "sandbox", "--port-base", "0", "--directory", folder]
    environ = os.environ | {"TMPDIR": folder}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as sandbox:
        try:
            await_line(sandbox.stdout, "certificates, secrets")
            yield {
                "CPI_SERVICE_KEY_FILE": f"{folder}/service-key.json",
                "CPI_CA_FILE": f"{folder}/ca.pem",
                "CPI_UPSTREAM": "/http/orders",
            }
        finally:
            sandbox.terminate()


def serve(command: list[str], health: list[str], variables: dict[str, str]) -> None:
    """The command serves with variables alone, is found healthy, brings a message to its flow, and ends in order."""
    listen, admin = free_address(), free_address()
    environ = os.environ | variables | {"CPI_LISTEN": listen, "CPI_ADMIN": admin}
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as proxy:
        try:
            await_line(proxy.stderr, "proxy.started")
            expect("form of HEALTHCHECK", health[0], "CMD")
            expect("exit of HEALTHCHECK", subprocess.run(health[1:], env=environ, check=False).returncode, 0)
            expect("status of /livez", answer(admin, "GET", "/livez")[0], 200)
            status, _, product = answer(listen, "POST", "/")
            expect("status of the message", (status, b"Photo Scan" in product), (200, True))
            status, content_type, problem = answer(listen, "CONNECT", "/")
            expect("answer of the proxy's own", (status, content_type), (501, "application/problem+json"))
            expect("code of that answer", json.loads(problem)["code"], "connect_refused")
            proxy.send_signal(signal.SIGTERM)
            expect("exit after SIGTERM", proxy.wait(timeout=60), 0)
        finally:
            proxy.kill()


def free_address() -> str:
    """A loopback address that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


def await_line(stream: Iterable[str] | None, words: str) -> None:
    """Returns when a line has the words; shows all lines if they end before."""
    lines = []
    for line in stream or ():
        lines.append(line)
        if words in line:
            return
    sys.exit(f"{words} is never said:\n" + "".join(lines))


def answer(address: str, method: str, path: str) -> tuple[int, str | None, bytes]:
    """(status, content type, content) of one request."""
    connection = http.client.HTTPConnection(address, timeout=60)
    body = b'{"productIdentifier":"HT-1080"}' if method == "POST" else None
    connection.request(method, path, body=body)
    response = connection.getresponse()
    try:
        return response.status, response.getheader("Content-Type"), response.read()
    finally:
        connection.close()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
