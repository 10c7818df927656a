"""What all tests share."""

import os
import signal
from collections.abc import Generator, Iterator
from functools import cache

import pytest
from blockbuster import blockbuster_ctx
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import settings

from proxy.wire import heads
from tests.fakes.pgbouncer import PgBouncer, pgbouncer
from tests.fakes.postgres import PostgresServer, postgres
from tests.programs import missing

# How long an example takes says how busy the machine is, so none has a deadline.
settings.register_profile("whole", deadline=None, max_examples=500 if os.environ.get("PROVE") else 50)
settings.register_profile("quick", deadline=None, max_examples=20)  # make test-fast
settings.load_profile("whole")


def pytest_report_header() -> str:
    """Which proxy is tried."""
    return f"proxy: {heads.__file__}"


def pytest_configure() -> None:
    """Try the one that is meant: `EXPECTED` is `compiled` or, without it, the sources as they stand."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background; commands would inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.pop("COLUMNS", None)  # workers of pytest-xdist have it; what commands print would be broken into rows
    compiled = not str(heads.__file__).endswith(".py")
    if compiled != (os.environ.get("EXPECTED") == "compiled"):
        raise pytest.UsageError(f"{heads.__file__} is {'' if compiled else 'not '}compiled")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Have coverage measure the commands of a test only if it is marked so."""
    with pytest.MonkeyPatch.context() as patched:
        if not item.get_closest_marker("measured"):
            patched.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose programs are missing; in CI, fail it, unless Debian does not have the program."""
    for marker in item.iter_markers("needs"):
        for name, program in missing(marker.args):
            if program.is_required and os.environ.get("CI") == "true":
                pytest.fail(f"{name} is missing; tests/programs.py says what CI installs", pytrace=False)
            pytest.skip(f"{name} is missing")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server for all tests; a test that stops it starts it again. Needs "postgresql"."""
    with postgres() as server:
        yield server


@pytest.fixture(scope="session")
def pooler(postgres_server: PostgresServer) -> Iterator[PgBouncer]:
    """A PgBouncer in front of that server. Needs "postgresql" and "pgbouncer"."""
    with pgbouncer(postgres_server) as started:
        yield started


@pytest.fixture
def database(postgres_server: PostgresServer) -> Iterator[str]:
    """The name of a database, which is empty."""
    with postgres_server.database() as name:
        yield name


@pytest.fixture(scope="session", autouse=True)
def _no_blocking_calls() -> Iterator[None]:
    """Fail a test whose event loop runs into a blocking call of ours; coverage may wait for its other threads.

    Once for all tests, because it replaces some forty functions.
    """
    with blockbuster_ctx("proxy") as watching:
        watching.functions["threading.Lock.acquire"].can_block_in("coverage/collector.py", "lock_data")
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_rsa_key() -> Iterator[None]:
    """Let all stand-in tenants of a run sign with one key: making an RSA key takes as long as the rest of a test."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(rsa, "generate_private_key", cache(rsa.generate_private_key))
        yield
