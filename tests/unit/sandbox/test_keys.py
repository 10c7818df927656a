"""Keys and OAuth clients of one start."""

import re

from proxy.sandbox.keys import make_btp_client, make_neo_client, make_roleless_client


def test_a_btp_client_looks_like_a_service_keys() -> None:
    """Id and secret hold the characters that encodings break."""
    client = make_btp_client()
    assert re.fullmatch(r"sb-[0-9a-f-]{36}!b1234\|it-rt-sandbox!b5678", client.client_id)
    assert re.fullmatch(r"[0-9a-f-]{36}\$[A-Za-z0-9_-]{43}=", client.secret)
    assert client.client_id != make_btp_client().client_id


def test_a_neo_client_has_the_secret_that_is_passed_or_a_random_one() -> None:
    """A new one each time."""
    assert make_neo_client("given").secret == "given"
    assert make_neo_client(None).secret != make_neo_client(None).secret


def test_one_client_has_no_role() -> None:
    """For the 403."""
    assert make_roleless_client().roles == frozenset()
