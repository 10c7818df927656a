"""A PgBouncer in transaction mode: each transaction may get another session."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.postgres import ADMIN, PASSWORD, PostgresServer, free_port, unprivileged, wait_until_it_serves
from tests.programs import pgbouncer as program

SETTINGS = """
[databases]
* = host={server.folder} port={server.port}
[pgbouncer]
pool_mode = transaction
default_pool_size = 3
server_round_robin = 1
server_login_retry = 0.1
max_client_conn = 500
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users
"""
"Sessions are used in turn, so that no two statements of a client have the same one by chance."


@dataclass
class PgBouncer:
    """In front of a server."""

    port: int

    def url(self, database: str) -> str:
        """The password is that of the server."""
        return f"postgresql://proxy@127.0.0.1:{self.port}/{database}"


@contextmanager
def pgbouncer(server: PostgresServer) -> Iterator[PgBouncer]:
    """In a folder of its own."""
    folder, port = Path(tempfile.mkdtemp(prefix="pgbouncer")), free_port()
    (folder / "users").write_text(f'"proxy" "{PASSWORD}"\n')
    (folder / "settings").write_text(SETTINGS.format(server=server, port=port, folder=folder))
    if os.geteuid() == 0:  # it refuses to run as root
        for each in (folder, *folder.iterdir()):
            shutil.chown(each, ADMIN)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*unprivileged(), program(), str(folder / "settings")], stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait_until_it_serves(f"postgresql://proxy:{PASSWORD}@127.0.0.1:{port}/{ADMIN}")
        yield PgBouncer(port)
    finally:
        process.kill()
        process.wait(30)
        shutil.rmtree(folder)
