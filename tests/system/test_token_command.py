"""`token` tells what a token is good for, and shows it only when asked to."""

from pathlib import Path

import pytest

from proxy.oauth.claims import claims
from proxy.sandbox.tenant import Tenant
from tests.system.cli import call

pytestmark = pytest.mark.measured


async def token(file: Path, *words: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error."""
    finished = await call(file, "token", *words)
    return finished.status, finished.output, finished.errors


async def test_a_grant_is_told_with_lifetime_scopes_roles_and_authentication(tenant: Tenant, file: Path) -> None:
    """Its token and secret are not."""
    status, output, errors = await token(file, "invoices")
    assert (status, errors) == (0, "")
    for words in ("client_secret_post", "3599 s", "uaa.resource", "roles           ESBMessaging.send", '"exp"'):
        assert words in output
    assert tenant.btp_client.secret not in output
    assert "eyJ" not in output


async def test_all_means_one_grant_for_each_oauth_client(tenant: Tenant, file: Path) -> None:
    """Both clients are asked once."""
    status, output, _ = await token(file, "--all")
    assert status == 0
    assert "sandbox-neo-client" in output
    assert "client_secret_basic (raw)" in output
    assert [tenant.grants.count(each.client_id) for each in (tenant.neo_client, tenant.btp_client)] == [1, 1]


async def test_raw_prints_the_token_and_nothing_else(file: Path) -> None:
    """A JWT, fit for a pipe."""
    status, output, _ = await token(file, "orders", "--raw")
    assert status == 0
    assert claims(output.strip())["client_id"] == "sandbox-neo-client"


async def test_a_refused_secret_is_exit_status_1_with_a_sentence(tenant: Tenant, file: Path) -> None:
    """Without the secret."""
    tenant.faults.switch_on("neo.unauthorized", None)
    status, output, errors = await token(file, "orders")
    assert (status, output) == (1, "")
    assert "orders" in errors
    assert "401" in errors
    assert tenant.neo_client.secret not in errors
