"""A PostgreSQL server of the tests' own: Debian's or that of $PGBIN, with a private cluster in a temporary folder.

It listens on loopback and on a Unix socket, and runs as an unprivileged user, because it refuses to run as root.
"""

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import trustme

from tests.programs import postgresql

PASSWORD = "cAnArydatabase"  # of no other use
ADMIN = "postgres"
SETTINGS = """
fsync = off
password_encryption = 'scram-sha-256'
max_connections = 200
unix_socket_directories = '{folder}'
listen_addresses = '127.0.0.1'
port = {port}
logging_collector = off
"""


def programs() -> Path:
    """Debian's, or those of $PGBIN."""
    found = postgresql()
    assert found is not None, "the test needs PostgreSQL"
    return found


@dataclass
class PostgresServer:
    """Can be stopped, paused and killed."""

    folder: Path
    port: int
    bin: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def url(self, database: str = ADMIN, *, user: str = "proxy", options: str = "") -> str:
        """With the password in `password_file`."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}{options}"

    def socket_url(self, database: str = ADMIN) -> str:
        """Without a password."""
        return f"postgresql://proxy@/{database}?host={self.folder}&port={self.port}"

    @property
    def password_file(self) -> Path:
        """Of the user `proxy`."""
        return self.folder / "password"

    @property
    def data(self) -> Path:
        """The folder of the cluster."""
        return self.folder / "data"

    def create(self) -> None:
        """With user and database."""
        self.password_file.write_text(PASSWORD)
        run(self.bin / "initdb", "-D", self.data, "-U", ADMIN, "-A", "trust", "-E", "UTF8", "--no-sync", "--no-locale")
        (self.data / "postgresql.auto.conf").write_text(SETTINGS.format(folder=self.folder, port=self.port))
        (self.data / "pg_hba.conf").write_text(
            f"local all all trust\nhost all {ADMIN} all trust\nhost all all all scram-sha-256\n"
        )
        self.start()
        self.sql(f"CREATE ROLE proxy LOGIN PASSWORD '{PASSWORD}'")

    def start(self) -> None:
        command = [*unprivileged(), str(self.bin / "postgres"), "-D", str(self.data)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        self._is_ready()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """By SIGINT; SIGQUIT is a crash."""
        if self._process is not None:
            self.resume()
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def pause(self) -> None:
        """Connections stay, and nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def pause_some(self, chance: random.Random) -> None:
        """About half of its processes, not the one that accepts."""
        for process in self._children():
            if chance.random() < 0.5:
                signal_to(process, signal.SIGSTOP)

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)  # so that there are no new ones
        for process in [*self._children(), self._process.pid]:
            signal_to(process, signal.SIGKILL)
        self._process.wait(30)
        self._process = None

    def kill_one(self, chance: random.Random) -> None:
        """All others end then; wait until it serves again."""
        signal_to(chance.choice(self._children()), signal.SIGKILL)
        self._is_ready()

    def sql(self, statement: str, database: str = ADMIN) -> str:
        return run(
            self.client("psql"), "-h", self.folder, "-p", str(self.port), "-U", ADMIN, "-Atqc", statement, database
        )

    def client(self, name: str) -> Path | str:
        """Beside the server, or the machine's."""
        return self.bin / name if (self.bin / name).exists() else name

    def create_database(self, name: str) -> str:
        """Of the user `proxy`; its name."""
        self.sql(f"CREATE DATABASE {name} OWNER proxy")
        return name

    @contextmanager
    def with_tls(self, authority: trustme.CA) -> Iterator[None]:
        """For 127.0.0.1."""
        issued = authority.issue_cert("127.0.0.1")
        for name, pem in (("server.crt", issued.cert_chain_pems[0]), ("server.key", issued.private_key_pem)):
            pem.write_to_path(self.data / name)
            (self.data / name).chmod(0o600)
            if os.geteuid() == 0:
                shutil.chown(self.data / name, ADMIN)
        self._set_tls("on")
        try:
            yield
        finally:
            self._set_tls("off")

    def _set_tls(self, value: str) -> None:
        self.sql(f"ALTER SYSTEM SET ssl = {value}")
        self.sql("SELECT pg_reload_conf()")
        while self.sql("SHOW ssl") != value:
            pass

    def _is_ready(self) -> None:
        run(self.client("pg_isready"), "-q", "-h", self.folder, "-p", str(self.port), attempts=2000)

    def _signal(self, what: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, what)  # first, so that there are no new ones
        for process in self._children():
            signal_to(process, what)

    def _children(self) -> list[int]:
        assert self._process is not None
        return list(descendants(self._process.pid))


def signal_to(process: int, what: signal.Signals) -> None:
    """If it is still there."""
    with suppress(ProcessLookupError):
        os.kill(process, what)


def descendants(pid: int) -> Iterator[int]:
    """All below a process."""
    with suppress(FileNotFoundError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield int(child)
            yield from descendants(int(child))


@contextmanager
def postgres() -> Iterator[PostgresServer]:
    """In a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    server = PostgresServer(folder, free_port(), programs())
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, ADMIN)
        server.create()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def free_port() -> int:
    """Nobody has it now."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


def unprivileged() -> Sequence[str]:
    """A prefix that lets root run it as somebody else."""
    if os.geteuid() != 0:
        return ()
    user = pwd.getpwnam(ADMIN)
    return ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")


def run(*command: object, attempts: int = 1) -> str:
    """However long it takes."""
    done = subprocess.CompletedProcess[str]((), 1)
    for _ in range(attempts):
        done = subprocess.run(
            [*unprivileged(), *map(str, command)], capture_output=True, text=True, check=False, cwd="/"
        )
        if done.returncode == 0:
            return done.stdout.strip()
    raise AssertionError(f"{command[0]}: {done.stderr}")
