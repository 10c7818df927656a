"""A PostgreSQL server of the tests' own: Debian's or that of $PGBIN, with a private cluster in a temporary folder.

It listens on loopback and on a Unix socket, and runs as an unprivileged user, because it refuses to run as root.
"""

import base64
import hashlib
import hmac
import itertools
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
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
    _numbers: Iterator[int] = field(default_factory=itertools.count, repr=False)
    _used: str = field(default="", repr=False)

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
        self.sql(f"CREATE ROLE proxy LOGIN PASSWORD '{quick_verifier(PASSWORD)}'")

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

    def sql(self, statements: str, database: str = ADMIN) -> str:
        """What psql would print of the last statement: a row on a line."""
        with psycopg.connect(self._admin_url(database), autocommit=True) as session, session.cursor() as cursor:
            cursor.execute(statements.encode())
            while cursor.nextset():
                pass
            found = cursor.pgresult
            assert found is not None
            fields = range(found.nfields)
            rows = [[found.get_value(row, field) or b"" for field in fields] for row in range(found.ntuples)]
        return "\n".join(b"|".join(row).decode() for row in rows)

    def create_database(self, name: str) -> str:
        """Of the user `proxy`; its name."""
        self.sql(f"CREATE DATABASE {name} OWNER proxy")
        return name

    @contextmanager
    def database(self) -> Iterator[str]:
        """An empty one of the user `proxy`; its name. It is used again, because a new one takes ten times as long.

        It is emptied before that and not at the end, when proxies may still use it.
        """
        name, self._used = self._used, ""
        if not name or not self._emptied(name):
            name = self.create_database(f"test_{next(self._numbers)}")
        yield name
        self._used = name

    def _emptied(self, name: str) -> bool:
        """Whether nothing is left in it, and no session either."""
        others = "pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        while self.sql(f"SELECT pg_terminate_backend(pid) FROM {others}", name):
            pass
        here = "= 'public'::regnamespace"
        left = self.sql(
            f"""
            DROP OWNED BY proxy;
            DROP SCHEMA IF EXISTS test_time CASCADE;
            ALTER DATABASE {name} OWNER TO proxy;
            ALTER DATABASE {name} RESET ALL;
            SELECT (SELECT count(*) FROM pg_class WHERE relnamespace {here})
                + (SELECT count(*) FROM pg_proc WHERE pronamespace {here});
            """,
            name,
        )
        return left == "0"

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
        wait_until_it_serves(self._admin_url(ADMIN))

    def _admin_url(self, database: str) -> str:
        return f"postgresql://{ADMIN}@/{database}?host={self.folder}&port={self.port}"

    def _signal(self, what: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, what)  # first, so that there are no new ones
        for process in self._children():
            signal_to(process, what)

    def _children(self) -> list[int]:
        assert self._process is not None
        return list(descendants(self._process.pid))


def wait_until_it_serves(url: str) -> None:
    """A server that begins refuses connections at first."""
    deadline = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def quick_verifier(password: str) -> str:
    """What PostgreSQL stores of a password, with one iteration instead of 4096: these would be most of a test's time.

    RFC 5803.
    """
    salt = b"sixteen octets.."
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 1)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    encoded = (base64.b64encode(each).decode() for each in (salt, stored, hmac.digest(salted, b"Server Key", "sha256")))
    return "SCRAM-SHA-256$1:{}${}:{}".format(*encoded)


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
        server.stop(signal.SIGQUIT)  # nothing has to be kept
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


def run(*command: object) -> str:
    """As the unprivileged user."""
    done = subprocess.run([*unprivileged(), *map(str, command)], capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, f"{command[0]}: {done.stderr}"
    return done.stdout.strip()
