"""Runs inside the image, as its user: is it what an operator expects? The first thing that is not ends it with 1.

Its one argument is JSON: what the image says of itself (`Entrypoint`, `Cmd`, `User`, `Healthcheck`), and `Lock`, the
text of constraints.lock. Needs nothing but Python's own library, and nothing outside the image.
"""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

UID = 10001
MOUNTED = ("/proc", "/sys", "/dev")
"No part of the root file system."


def main(image: dict[str, Any]) -> None:
    """All that is expected, in order."""
    expect("entry point", image["Entrypoint"], ["cpi-oauth-proxy"])
    expect("user", image["User"], f"{UID}:{UID}")
    expect("user and group at run time", (os.getuid(), os.getgid()), (UID, UID))
    expect("folders that this user can write to", list(writable()), [])
    expect("distributions that are not those of constraints.lock", unlocked(image["Lock"]), [])
    expect("exit of version", subprocess.run([*image["Entrypoint"], "version"], check=False).returncode, 0)
    serve([*image["Entrypoint"], *image["Cmd"]], image["Healthcheck"]["Test"])


def expect(what: str, found: object, expected: object) -> None:
    """Ends the program if they differ."""
    if found != expected:
        sys.exit(f"The image is not as expected. {what}: {found!r}, where {expected!r} would be right.")


def writable() -> Iterator[str]:
    """Directories of the root file system that this user can write to."""
    for folder, folders, _ in os.walk("/"):
        if folder in MOUNTED:
            folders.clear()
        elif os.access(folder, os.W_OK):
            yield folder


def unlocked(lock: str) -> list[str]:
    """Distributions in the proxy's environment that are not those of constraints.lock."""
    asked = "import importlib.metadata as m; print(*(f'{d.name}=={d.version}' for d in m.distributions()), sep='\\n')"
    installed = subprocess.run(["python", "-c", asked], check=True, capture_output=True, text=True).stdout.split()
    locked = {normalized(line.partition(" ")[0]) for line in lock.splitlines()}
    return [each for each in installed if normalized(each) not in locked and not each.startswith("cpi-oauth-proxy==")]


def normalized(requirement: str) -> str:
    """As PyPI compares names."""
    name, _, version = requirement.partition("==")
    return f"{re.sub(r'[-_.]+', '-', name).lower()}=={version}"


def serve(command: list[str], health: list[str]) -> None:
    """The command serves with variables alone, is found healthy, answers for itself, and ends in order."""
    listen, admin, nobody = free_address(), free_address(), free_address()
    environ = os.environ | {
        "CPI_LISTEN": listen,
        "CPI_ADMIN": admin,
        "CPI_UPSTREAM": f"http://{nobody}/http/orders",
        "CPI_TOKEN_URL": f"http://{nobody}/oauth2/api/v1/token",
        "CPI_CLIENT_ID": "image",
        "CPI_CLIENT_SECRET": "of no use",
    }
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as proxy:
        try:
            await_start(proxy)
            expect("form of HEALTHCHECK", health[0], "CMD")
            expect("exit of HEALTHCHECK", subprocess.run(health[1:], env=environ, check=False).returncode, 0)
            expect("status of /livez", answer(admin, "GET", "/livez")[0], 200)
            status, content_type, problem = answer(listen, "POST", "/")
            expect("answer without an authorization server", (status, content_type), (503, "application/problem+json"))
            expect("code of that answer", json.loads(problem)["code"], "grant_unavailable")
            proxy.send_signal(signal.SIGTERM)
            expect("exit after SIGTERM", proxy.wait(timeout=60), 0)
        finally:
            proxy.kill()


def free_address() -> str:
    """A loopback address that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


def await_start(proxy: "subprocess.Popen[str]") -> None:
    """Returns when the log says that the proxy serves; shows the log if it ends before."""
    lines = []
    for line in proxy.stderr or ():
        lines.append(line)
        if "proxy.started" in line:
            return
    sys.exit("The proxy did not start:\n" + "".join(lines))


def answer(address: str, method: str, path: str) -> tuple[int, str | None, bytes]:
    """(status, content type, content) of one request."""
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request(method, path, body=b"<order/>" if method == "POST" else None)
    response = connection.getresponse()
    try:
        return response.status, response.getheader("Content-Type"), response.read()
    finally:
        connection.close()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
