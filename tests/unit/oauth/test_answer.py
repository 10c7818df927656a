"""What an answer of a token endpoint means."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import AuthorizationServerError, GrantMalformed, GrantRejected, GrantUnavailable
from proxy.oauth.answer import MAX_BODY, Granted, TokenResponse, read_answer, retry_after_seconds
from proxy.oauth.grant import GrantRequest
from tests.cases import cases, grouped_cases

REQUEST = GrantRequest(oauth_client="orders", method="POST", url="https://as.example:444/oauth/token")
SUBJECT = "The token endpoint as.example of OAuth client orders"
WALL = 1_800_000_000.0  # Fri, 15 Jan 2027 08:00:00 GMT
CANARY = "canary-text-of-the-server"
NO_TOKEN: list[Any] = [{"token": CANARY}, {"access_token": ""}, {"access_token": 7}]
CHECK_CLIENT = "check client_id, the secret or key, and token_endpoint_auth_method"
CHECK_ALL = "check token_url, client_id, its credentials and params_in"


def answer(status: int = 200, document: Any = None, **changes: Any) -> TokenResponse:
    """An answer with a JSON body."""
    body = b"" if document is None else json.dumps(document).encode()
    options: dict[str, Any] = {"status": status, "content_type": "application/json", "body": body}
    return TokenResponse(**(options | changes))


def read(given_answer: TokenResponse) -> Granted:
    """Read the answer to the request of these tests."""
    return read_answer(given_answer, REQUEST, wall=WALL)


def failure_of(given_answer: TokenResponse, kind: type[AuthorizationServerError]) -> str:
    """The sentence of the error that the answer means; it never quotes the server."""
    with pytest.raises(AuthorizationServerError) as caught:
        read(given_answer)
    assert type(caught.value) is kind
    assert CANARY not in caught.value.detail
    return caught.value.detail


@cases("token_type", "", " ", "Bearer ", "\tbearer\n", "BearerToken", "bearertoken", "BEARERTOKEN", " BearerToken ")
def test_a_bearer_token_may_be_called(token_type: str) -> None:
    """In any case; Apigee has a word of its own."""
    assert read(answer(200, {"access_token": "t", "token_type": token_type})) == Granted(access_token="t")


@cases("token_type", CANARY, "mac", "DPoP", "N_A", "Bearer Token", "Bearer,mac", 1, ["Bearer"], {})
def test_a_token_of_another_type_is_refused(token_type: object) -> None:
    """The sentence says what to configure."""
    assert failure_of(answer(200, {"access_token": "t", "token_type": token_type}), GrantMalformed) == (
        f"{SUBJECT} granted a token whose token_type is not Bearer. Cloud Integration accepts no other: configure the "
        "authorization server to issue bearer tokens to this OAuth client."
    )


@cases(
    "document, expected",
    {
        "Neo": (
            {"access_token": "8271a067", "token_type": "Bearer", "expires_in": 3600, "scope": ""},
            Granted(access_token="8271a067", expires_in=3600.0),
        ),
        "Neo with unknown expiry": (
            {"access_token": "8271a067", "token_type": "Bearer", "expires_in": 0, "scopes": []},
            Granted(access_token="8271a067"),
        ),
        "XSUAA": (
            {"access_token": "eyJ.a.b", "token_type": "bearer", "expires_in": 43199, "scope": "uaa.resource x!b1.send"},
            Granted(access_token="eyJ.a.b", expires_in=43199.0, scopes=("uaa.resource", "x!b1.send")),
        ),
        "upper case, string, list of scopes": (
            {"access_token": "t", "token_type": "BEARER", "expires_in": "60", "scopes": ["a", 1, "b"]},
            Granted(access_token="t", expires_in=60.0, scopes=("a", "b")),
        ),
        "no token_type": ({"access_token": "t"}, Granted(access_token="t")),
        "nulls": ({"access_token": "t", "token_type": None, "expires_in": None, "scope": 7}, Granted(access_token="t")),
        "a token beside an error": ({"access_token": "t", "error": "x"}, Granted(access_token="t")),
        "odd characters": ({"access_token": 'a~!"#/+=', "refresh_token": "x"}, Granted(access_token='a~!"#/+=')),
    },
)
def test_a_token_response_is_read_as(document: Any, expected: Granted) -> None:
    """In the dialects of all servers."""
    assert read(answer(200, document)) == expected


@cases("content_type", "", "text/plain", "text/html", "application/json;charset=UTF-8")
def test_json_is_read_whatever_the_content_type(content_type: str) -> None:
    """A wrong one is no reason to refuse."""
    assert read(answer(200, {"access_token": "t"}, content_type=content_type)).access_token == "t"


def test_a_number_with_more_digits_than_python_allows_is_read() -> None:
    """A huge `expires_in` does not make the answer unreadable."""
    body = b'{"access_token": "t", "expires_in": ' + b"9" * 5000 + b"}"
    assert read(answer(body=body)).expires_in == 180 * 86400


@grouped_cases(
    "what, given_answer",
    ("an empty body", [answer(200), answer(204), answer(200, body=b" \r\n")]),
    ("an HTML page", [answer(200, content_type="text/html", body=f"Log in, {CANARY}".encode())]),
    ("an HTML page", [answer(200, body=f" <html>{CANARY}".encode())]),
    ("something that is not a JSON object", [answer(200, body=b"access_token=t"), answer(200, ["t"])]),
    ("something that is not a JSON object", [answer(200, body=b"\xff\xfe{"), answer(200, body=b"[" * 100_000)]),
    ("more than 1 MiB", [answer(200, body=b" " * (MAX_BODY + 1))]),
    ("JSON without an access_token", [answer(200, each) for each in NO_TOKEN]),
    ("an unexpected status", [answer(101), answer(999)]),
)
def test_an_answer_without_a_token_is_malformed(what: str, given_answer: TokenResponse) -> None:
    """The sentence says what the server sent instead, in our words."""
    expected = f"{SUBJECT} answered {given_answer.status} with {what} instead of a token: check token_url."
    assert failure_of(given_answer, GrantMalformed) == expected


@cases("character", "\r", "\n", "\0", "\t", " ", "\x7f", "ä", "\u2028", "😀")
def test_a_token_that_no_field_can_carry_is_malformed(character: str) -> None:
    """A token cannot end the Authorization field and begin another."""
    detail = failure_of(answer(200, {"access_token": f"a{character}X-{CANARY}: 1"}), GrantMalformed)
    assert "with an access_token with characters that a header field cannot carry instead of" in detail


@cases("status", 301, 302, 303, 307, 308)
def test_a_redirect_is_malformed(status: int) -> None:
    """`token_url` is wrong then."""
    expected = "redirects are not followed with credentials; set token_url to the token endpoint itself"
    assert failure_of(answer(status), GrantMalformed) == f"{SUBJECT} answered {status}: {expected}."


@cases(
    "code",
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
)
@cases("status", 200, 400, 401)
def test_a_registered_error_code_is_shown(status: int, code: str) -> None:
    """But never its description."""
    detail = failure_of(answer(status, {"error": code, "error_description": CANARY}), GrantRejected)
    assert detail.startswith(f"{SUBJECT} refused the grant with {status} {code}: ")


@cases(
    "given_answer, advice",
    (answer(401, {"error": "unauthorized", "error_description": CANARY}), CHECK_CLIENT),
    (answer(403), CHECK_CLIENT),
    (answer(403, {"error": f"Could not verify {CANARY}"}), CHECK_CLIENT),
    (answer(404, content_type="text/html", body=CANARY.encode()), "check token_url, which is not a token endpoint"),
    (answer(400), CHECK_ALL),
    (answer(400, {"error": ["invalid_client"]}), CHECK_ALL),
    (answer(200, {"error": CANARY}), CHECK_ALL),
)
def test_another_error_shows_only_its_status(given_answer: TokenResponse, advice: str) -> None:
    """An error code that is not registered is the server's text."""
    expected = f"{SUBJECT} refused the grant with {given_answer.status}: {advice}."
    assert failure_of(given_answer, GrantRejected) == expected


@cases(
    "status, body, advice",
    (
        403,
        b'{"error":"Could not verify the provided CSRF token because your session was not found."}',
        "append /oauth/token to token_url",
    ),
    (404, b"The subdomain does not map to a valid identity zone.", "check the subdomain in token_url"),
    (404, b"404 Not Found: Requested route ('x.example') does not exist.\n", "check the host in token_url"),
    (
        401,
        b'{"error":"invalid_client","error_description":"Unauthorized grant type"}',
        "allow the client credentials grant for this OAuth client",
    ),
)
def test_known_texts_of_uaa_have_their_own_advice(status: int, body: bytes, advice: str) -> None:
    """The text is recognized and not quoted."""
    detail = failure_of(answer(status, body=body), GrantRejected)
    assert detail.startswith(f"{SUBJECT} refused the grant with {status}")
    assert detail.endswith(f": {advice}.")
    assert "session" not in detail


@cases("status, is_shown", (401, True), (404, False))
def test_the_hint_is_shown_if_the_credentials_are_refused(status: int, *, is_shown: bool) -> None:
    """A 404 has nothing to do with them."""
    with pytest.raises(GrantRejected) as caught:
        read_answer(answer(status), replace(REQUEST, hint="try the other one"), wall=0)
    assert caught.value.detail.endswith("; try the other one.") is is_shown


@cases("status", 408, 429, 500, 502, 503, 504, 599)
def test_overload_and_server_errors_are_unavailable(status: int) -> None:
    """The error has the server's Retry-After."""
    with pytest.raises(GrantUnavailable) as caught:
        read(answer(status, {"error": CANARY}, retry_after="17"))
    assert caught.value.detail.startswith(f"{SUBJECT} answered {status}: ")
    assert CANARY not in caught.value.detail
    assert caught.value.retry_after == 17


@cases(
    "value, expected",
    (None, None),
    ("120", 120),
    (" 5 ", 5),
    ("0", 1),
    ("86400", 600),
    pytest.param("9" * 5000, 600, id="huge"),
    ("Fri, 15 Jan 2027 08:01:30 GMT", 90),
    pytest.param("Friday, 15-Jan-27 08:01:30 GMT", 90, id="RFC 850 date"),
    pytest.param("Fri Jan 15 08:01:30 2027", 90, id="asctime date, which has no zone"),
    pytest.param("Fri, 15 Jan 2027 07:00:00 GMT", 1, id="past date"),
    ("-5", None),
    ("soon", None),
    pytest.param("٣", None, id="digit of another script"),
    ("", None),
    pytest.param("Mon, 01 Jan 0001 00:00:00 +2359", 1, id="before the calendar"),
)
def test_retry_after_is_read_as(value: str | None, expected: int | None) -> None:
    """Within 1 to 600 seconds."""
    assert retry_after_seconds(value, wall=WALL) == expected


@given(
    status=st.integers(min_value=100, max_value=999),
    content_type=st.text(),
    retry_after=st.none() | st.text(),
    body=st.binary()
    | st.builds(
        lambda document: json.dumps(document).encode(),
        st.dictionaries(
            st.sampled_from(["access_token", "token_type", "expires_in", "scope", "scopes", "error"]),
            st.none() | st.text() | st.integers() | st.lists(st.text()) | st.just("Bearer"),
        ),
    ),
)
def test_any_answer_is_a_safe_token_or_a_typed_failure(
    status: int, content_type: str, retry_after: str | None, body: bytes
) -> None:
    """Its Retry-After is within bounds."""
    try:
        granted = read(TokenResponse(status=status, content_type=content_type, retry_after=retry_after, body=body))
    except AuthorizationServerError as error:
        failure = error
    else:
        assert all("!" <= character <= "~" for character in granted.access_token)
        return
    assert failure.detail.isprintable()
    assert failure.retry_after in {None, *range(1, 601)}
