"""Where the proxy keeps what has to outlive it, as the file names it."""

import pytest

from proxy.config.store import check_postgres_url
from tests.cases import cases


@cases(
    "url",
    "postgresql://proxy@db.example.com/proxy",
    "postgres://db.example.com",
    "postgresql://proxy@a.example:5432,b.example:5433/proxy?target_session_attrs=read-write&sslmode=verify-full",
    "postgresql:///proxy?host=/run/postgresql",
    "postgresql://[::1]:5432/proxy",
)
def test_a_url_of_libpq_is_accepted_as_it_is(url: str) -> None:
    """Several hosts, Unix sockets and libpq's parameters included."""
    assert check_postgres_url(url) == url


@cases("url", "db.example.com", "mysql://db/x", "postgresql://a b/x", "postgresql://db/x#y", "")
def test_anything_else_is_no_url(url: str) -> None:
    """The problem says how one is written."""
    with pytest.raises(ValueError, match="write postgresql://user@host/database"):
        check_postgres_url(url)


@cases(
    "url, wrong",
    ("postgresql://proxy:s3cr3t@db/x", "contains a password"),
    ("postgresql://:@db/x", "contains a password"),
    ("postgresql://proxy@db/x?sslmode=require&password=s3cr3t", "has password in its query"),
    ("postgresql://proxy@db/x?PassWord=s3cr3t", "has password in its query"),
    ("postgresql://proxy@db/x?p%61ssword=s3cr3t", "has password in its query"),
    ("postgresql://proxy@db/x?sslpassword=s3cr3t", "has sslpassword in its query"),
)
def test_a_password_in_the_url_is_refused_and_not_shown(url: str, wrong: str) -> None:
    """It belongs into a file."""
    with pytest.raises(ValueError, match=wrong) as raised:
        check_postgres_url(url)
    assert "password_file" in str(raised.value)
    assert "s3cr3t" not in str(raised.value)
