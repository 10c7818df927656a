"""The token request without credentials."""

from typing import Any
from urllib.parse import parse_qsl

from hypothesis import given
from hypothesis import strategies as st

from proxy.config.model import TokenFormat
from proxy.oauth.grant import GrantRequest, encoded, grant_request
from tests.cases import cases
from tests.unit.oauth.registrations import GENERIC, NEO, XSUAA, registration


@cases(
    "preset, changes, target, body",
    {
        "Neo": (NEO, {}, "https://as.example/oauth/token?grant_type=client_credentials&token_format=jwt", b""),
        "XSUAA": (XSUAA, {}, "https://as.example/oauth/token", b"grant_type=client_credentials"),
        "generic": (GENERIC, {}, "https://as.example/oauth/token", b"grant_type=client_credentials"),
        "opaque, scopes": (
            NEO,
            {"token_format": TokenFormat.OPAQUE, "scopes": ("a", "b.c")},
            "https://as.example/oauth/token?grant_type=client_credentials&scope=a%20b.c",
            b"",
        ),
        "further parameters": (
            XSUAA,
            {"token_format": TokenFormat.JWTRFC, "endpoint_params": {"resource": "https://x/ä+b&c"}},
            "https://as.example/oauth/token",
            b"grant_type=client_credentials&token_format=jwtrfc&resource=https%3A%2F%2Fx%2F%C3%A4%2Bb%26c",
        ),
        "a token URL with a query, parameters in the query": (
            NEO,
            {"token_url": "https://as.example/t?tenant=%2fA+b"},
            "https://as.example/t?tenant=%2fA+b&grant_type=client_credentials&token_format=jwt",
            b"",
        ),
        "a token URL with a query, parameters in the body": (
            XSUAA,
            {"token_url": "https://as.example/t?tenant=%2fA+b"},
            "https://as.example/t?tenant=%2fA+b",
            b"grant_type=client_credentials",
        ),
    },
)
def test_a_token_request_is_sent_as(preset: dict[str, Any], changes: dict[str, Any], target: str, body: bytes) -> None:
    """Provider and options decide where the parameters are."""
    request = grant_request(registration(preset, **changes))
    assert request.method == "POST"
    assert request.target == target
    assert request.fields == (("Accept", "application/json"),)
    assert request.body == body
    assert (request.query == ()) is not (request.form == ())


def test_token_headers_are_added_and_replace_our_own() -> None:
    """A configured field is sent once."""
    request = grant_request(registration(token_headers={"X-Zone": "eu", "accept": "application/*"}))
    assert request.fields == (("X-Zone", "eu"), ("accept", "application/*"))


def test_a_form_parameter_is_replaced_not_repeated() -> None:
    """A parameter must not be sent twice (RFC 6749 §3.2)."""
    request = GrantRequest(oauth_client="o", method="POST", url="https://as.example/t", form=(("a", "1"), ("b", "2")))
    assert request.with_form(("a", "3")).form == (("b", "2"), ("a", "3"))


def test_the_repr_shows_no_fields_and_no_parameters() -> None:
    """They may be credentials."""
    request = GrantRequest(oauth_client="o", method="POST", url="https://as.example/t").with_form(("s", "canary"))
    assert "canary" not in repr(request.with_field("Authorization", "canary"))


def test_the_sentence_of_a_failure_names_only_the_host() -> None:
    """A path or query may be secret."""
    request = grant_request(registration(token_url="https://AS.example:8443/t?x=1"))
    assert request.subject == "The token endpoint as.example of OAuth client orders"


@given(pairs=st.lists(st.tuples(st.text(min_size=1), st.text()), max_size=4))
def test_what_is_encoded_reads_back_the_same(pairs: list[tuple[str, str]]) -> None:
    """No space is encoded as a plus."""
    clean = [(a.encode("utf-8", "replace").decode(), b.encode("utf-8", "replace").decode()) for a, b in pairs]
    text = encoded(clean)
    assert "+" not in text
    assert parse_qsl(text, keep_blank_values=True) == clean
