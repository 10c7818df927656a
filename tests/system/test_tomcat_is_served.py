"""Tomcat's own RestCsrfPreventionFilter, which Cloud Integration's runtime has in front of protected flows."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import yaml
from aiohttp import ClientSession

from proxy.sandbox.tenant import Tenant
from tests.programs import TOMCAT
from tests.system.command import Proxy, free_port

PARALLEL = 20
SERVER = """<Server port="-1">
  <Service name="Catalina">
    <Connector port="{port}" address="127.0.0.1" />
    <Engine name="Catalina" defaultHost="localhost">
      <Host name="localhost" appBase="webapps">
        <Context path="/http" docBase="http"><Manager pathname="" /></Context>
        <Valve className="org.apache.catalina.valves.AccessLogValve" directory="logs" prefix="access" suffix=".log"
               rotatable="false" buffered="false" pattern="%m %U %s" />
      </Host>
    </Engine>
  </Service>
</Server>
"""
WEB = """<web-app version="6.0" xmlns="https://jakarta.ee/xml/ns/jakartaee">
  <filter>
    <filter-name>csrf</filter-name>
    <filter-class>org.apache.catalina.filters.RestCsrfPreventionFilter</filter-class>
  </filter>
  <filter-mapping><filter-name>csrf</filter-name><url-pattern>/*</url-pattern></filter-mapping>
  <servlet>
    <servlet-name>files</servlet-name>
    <servlet-class>org.apache.catalina.servlets.DefaultServlet</servlet-class>
    <init-param><param-name>readonly</param-name><param-value>false</param-value></init-param>
  </servlet>
  <servlet-mapping><servlet-name>files</servlet-name><url-pattern>/</url-pattern></servlet-mapping>
</web-app>
"""


@asynccontextmanager
async def tomcat(base: Path, port: int) -> AsyncIterator[None]:
    """With one application that takes files by PUT, behind the filter."""
    for folder in ("conf", "webapps/http/WEB-INF", "logs", "temp", "work"):
        (base / folder).mkdir(parents=True, exist_ok=True)
    (base / "conf/server.xml").write_text(SERVER.format(port=port))
    (base / "conf/web.xml").write_text('<web-app version="6.0" xmlns="https://jakarta.ee/xml/ns/jakartaee"/>')
    (base / "webapps/http/WEB-INF/web.xml").write_text(WEB)
    process = await asyncio.create_subprocess_exec(
        *("java", "-Xmx128m", "-XX:TieredStopAtLevel=1"),  # what ends soon is not optimised
        *(f"-Dcatalina.home={TOMCAT}", f"-Dcatalina.base={base}", f"-Djava.io.tmpdir={base}/temp"),
        *("-classpath", f"{TOMCAT}/bin/bootstrap.jar:{TOMCAT}/bin/tomcat-juli.jar"),
        *("org.apache.catalina.startup.Bootstrap", "start"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(60):
            while b"Server startup in" not in (line := await process.stderr.readline()):
                assert line, "Tomcat does not start"
        drained = asyncio.create_task(process.stderr.read())
        yield
        process.terminate()
        await drained
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def configuration(tenant: Tenant, folder: Path, port: int) -> Path:
    """A route to Tomcat, which does not look at the token."""
    client = {
        "token_url": tenant.neo_token_url,
        "provider": "neo",
        "client_id": "sandbox-neo-client",
        "client_secret_file": "neo-secret",
        "tls": {"ca_file": "ca.pem"},
    }
    document = {
        "listen": "127.0.0.1:0",
        "admin": "127.0.0.1:0",
        "oauth_clients": {"orders": client},
        "routes": [{"path": "/http", "upstream": f"http://127.0.0.1:{port}/http", "oauth_client": "orders"}],
    }
    tenant.write(folder)
    file = folder / "proxy.yaml"
    file.write_text(yaml.safe_dump(document))
    return file


@pytest.mark.needs("Tomcat 10")
async def test_senders_that_know_nothing_of_csrf_get_through_tomcats_own_filter(tmp_path: Path) -> None:
    """One fetch is enough, until Tomcat forgets its sessions; each message arrives once."""
    port, base = free_port(), tmp_path / "tomcat"
    async with Tenant() as tenant, AsyncExitStack() as stack:
        file = await asyncio.to_thread(configuration, tenant, tmp_path, port)
        proxy = await stack.enter_async_context(Proxy(file))
        sender = await stack.enter_async_context(ClientSession())

        async def put(name: str) -> int:
            async with sender.put(f"http://127.0.0.1:{proxy.port}/http/{name}.txt", data=name) as answer:
                await answer.read()
                return answer.status

        for turn in ("first", "second"):
            async with tomcat(base, port):
                assert await put(f"{turn}-first") == 201
                statuses = await asyncio.gather(*(put(f"{turn}-{number}") for number in range(PARALLEL)))
                assert statuses == [201] * PARALLEL
        arrived = {file.stem: file.read_text() for file in (base / "webapps/http").glob("*.txt")}
        assert arrived == {name: name for name in arrived}
        assert len(arrived) == 2 * (1 + PARALLEL)
        seen = Counter(tuple(line.split()) for line in (base / "logs/access.log").read_text().splitlines())
        fetches = sum(count for (method, _, _), count in seen.items() if method == "HEAD")
        assert fetches == 2
        assert not [line for line in seen if line[0] == "GET"]
        assert all(count == 1 for (_, _, status), count in seen.items() if status == "201")
