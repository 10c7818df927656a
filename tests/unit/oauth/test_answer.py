"""What token endpoints answer."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import AuthorizationServerError, GrantMalformed, GrantRejected, GrantUnavailable
from proxy.oauth.answer import MAX_BODY, Granted, TokenResponse, read_answer, retry_after_seconds
from proxy.oauth.grant import GrantRequest

REQUEST = GrantRequest(oauth_client="orders", method="POST", url="https://as.example:444/oauth/token")
WHO = "The token endpoint as.example of OAuth client orders"
WALL = 1_800_000_000.0  # Fri, 15 Jan 2027 08:00:00 GMT
CANARY = "canary-text-of-the-server"


def answer(status: int = 200, document: Any = None, **changes: Any) -> TokenResponse:
    """Make an answer with a JSON body."""
    body = b"" if document is None else json.dumps(document).encode()
    options: dict[str, Any] = {"status": status, "content_type": "application/json", "body": body}
    return TokenResponse(**(options | changes))


def failure_of(given_answer: TokenResponse) -> AuthorizationServerError:
    """Return the error that an answer means."""
    with pytest.raises(AuthorizationServerError) as caught:
        read_answer(given_answer, REQUEST, wall=WALL)
    return caught.value


@pytest.mark.parametrize(
    "token_type",
    ["", " ", "Bearer ", "\tbearer\n", "BearerToken", "bearertoken", "BEARERTOKEN", " BearerToken "],
)
def test_a_token_type_may_be_written_in_many_ways(token_type: str) -> None:
    """Case, white space around it and Apigee's own word change nothing, nor does an empty one."""
    found = read_answer(answer(200, {"access_token": "t", "token_type": token_type}), REQUEST, wall=WALL)
    assert found == Granted(access_token="t")


@pytest.mark.parametrize("token_type", [CANARY, "mac", "DPoP", "N_A", "Bearer Token", "Bearer,mac", 1, ["Bearer"], {}])
def test_a_token_of_another_type_is_refused_with_what_to_do(token_type: object) -> None:
    """The sentence says that the token itself is the trouble, and does not show its type."""
    failure = failure_of(answer(200, {"access_token": "t", "token_type": token_type}))
    assert type(failure) is GrantMalformed
    assert failure.detail == (
        f"The token endpoint {REQUEST.host} of OAuth client {REQUEST.oauth_client} granted a token whose token_type "
        "is not Bearer. Cloud Integration accepts no other: configure the authorization server to issue bearer tokens "
        "to this OAuth client."
    )


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(
            {"access_token": "8271a067", "token_type": "Bearer", "expires_in": 3600, "scope": ""},
            Granted(access_token="8271a067", expires_in=3600.0),
            id="Neo",
        ),
        pytest.param(
            {"access_token": "8271a067", "token_type": "Bearer", "expires_in": 0, "scopes": []},
            Granted(access_token="8271a067"),
            id="Neo with unknown expiry",
        ),
        pytest.param(
            {"access_token": "eyJ.a.b", "token_type": "bearer", "expires_in": 43199, "scope": "uaa.resource x!b1.send"},
            Granted(access_token="eyJ.a.b", expires_in=43199.0, scopes=("uaa.resource", "x!b1.send")),
            id="XSUAA, bearer in lower case",
        ),
        pytest.param(
            {"access_token": "t", "token_type": "BEARER", "expires_in": "60", "scopes": ["a", 1, "b"]},
            Granted(access_token="t", expires_in=60.0, scopes=("a", "b")),
            id="upper case, string, list of scopes",
        ),
        pytest.param({"access_token": "t"}, Granted(access_token="t"), id="no token_type is let through"),
        pytest.param(
            {"access_token": "t", "token_type": None, "expires_in": None, "scope": 7},
            Granted(access_token="t"),
            id="nulls",
        ),
        pytest.param({"access_token": "t", "error": "x"}, Granted(access_token="t"), id="a token beside an error"),
        pytest.param(
            {"access_token": 'a~!"#/+=', "refresh_token": "x"}, Granted(access_token='a~!"#/+='), id="odd letters"
        ),
    ],
)
def test_a_token_response_is_read_as(document: Any, expected: Granted) -> None:
    """All of the dialects give their token, lifetime and scopes."""
    assert read_answer(answer(200, document), REQUEST, wall=WALL) == expected


@pytest.mark.parametrize("content_type", ["", "text/plain", "text/html", "application/json;charset=UTF-8"])
def test_json_is_read_whatever_the_content_type_says(content_type: str) -> None:
    """A wrong label is no reason to refuse a right body."""
    given_answer = answer(200, {"access_token": "t"}, content_type=content_type)
    assert read_answer(given_answer, REQUEST, wall=WALL).access_token == "t"


def test_a_number_of_more_digits_than_an_int_may_have_is_read() -> None:
    """A huge `expires_in` does not make the answer unreadable."""
    body = b'{"access_token": "t", "expires_in": ' + b"9" * 5000 + b"}"
    assert read_answer(TokenResponse(status=200, body=body), REQUEST, wall=WALL).expires_in == 180 * 86400


@pytest.mark.parametrize(
    ("given_answer", "what"),
    [
        pytest.param(answer(200), "an empty body", id="200 empty"),
        pytest.param(answer(204), "an empty body", id="204"),
        pytest.param(answer(200, body=b" \r\n"), "an empty body", id="white space"),
        pytest.param(
            answer(200, content_type="text/html", body=f"Log in, {CANARY}".encode()), "an HTML page", id="text/html"
        ),
        pytest.param(answer(200, body=f" <html>{CANARY}".encode()), "an HTML page", id="unlabelled HTML"),
        pytest.param(answer(200, body=b"access_token=t"), "something that is not a JSON object", id="form-encoded"),
        pytest.param(answer(200, ["t"]), "something that is not a JSON object", id="a list"),
        pytest.param(answer(200, body=b"\xff\xfe{"), "something that is not a JSON object", id="no UTF-8"),
        pytest.param(answer(200, body=b"[" * 100_000), "something that is not a JSON object", id="too deep"),
        pytest.param(answer(200, body=b" " * (MAX_BODY + 1)), "more than 1 MiB", id="too long"),
        pytest.param(answer(200, {"token": CANARY}), "JSON without an access_token", id="no access_token"),
        pytest.param(answer(200, {"access_token": ""}), "JSON without an access_token", id="empty access_token"),
        pytest.param(answer(200, {"access_token": 7}), "JSON without an access_token", id="number"),
        pytest.param(answer(101), "an unexpected status", id="101"),
        pytest.param(answer(999), "an unexpected status", id="999"),
    ],
)
def test_an_answer_without_a_token_is_malformed(given_answer: TokenResponse, what: str) -> None:
    """The sentence says what came instead, in our words."""
    failure = failure_of(given_answer)
    assert type(failure) is GrantMalformed
    assert failure.detail == f"{WHO} answered {given_answer.status} with {what} instead of a token: check token_url."


@pytest.mark.parametrize("letter", ["\r", "\n", "\0", "\t", " ", "\x7f", "ä", "\u2028", "😀"])
def test_a_token_that_no_field_can_carry_is_malformed(letter: str) -> None:
    """Nothing of a token can end the Authorization field and begin another."""
    failure = failure_of(answer(200, {"access_token": f"a{letter}X-Injected: 1"}))
    assert type(failure) is GrantMalformed
    assert "Injected" not in failure.detail


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_malformed(status: int) -> None:
    """A redirect says that token_url is wrong; its target is not shown."""
    failure = failure_of(answer(status))
    assert type(failure) is GrantMalformed
    assert f"answered {status}: redirects are not followed with credentials" in failure.detail


@pytest.mark.parametrize(
    "code",
    [
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    ],
)
@pytest.mark.parametrize("status", [200, 400, 401])
def test_a_registered_error_code_is_shown_with_its_advice(status: int, code: str) -> None:
    """The codes of RFC 6749 §5.2 stand in the sentence, the description never does, not even under 200."""
    failure = failure_of(answer(status, {"error": code, "error_description": CANARY}))
    assert type(failure) is GrantRejected
    assert failure.detail.startswith(f"{WHO} refused the grant with {status} {code}: ")
    assert CANARY not in failure.detail


@pytest.mark.parametrize(
    ("given_answer", "advice"),
    [
        pytest.param(
            answer(401, {"error": "unauthorized", "error_description": CANARY}),
            "check client_id, the secret or key, and token_endpoint_auth_method",
            id="XSUAA's unauthorized, which is not registered",
        ),
        pytest.param(
            answer(403), "check client_id, the secret or key, and token_endpoint_auth_method", id="403, empty"
        ),
        pytest.param(
            answer(403, {"error": f"Could not verify {CANARY}"}),
            "check client_id, the secret or key, and token_endpoint_auth_method",
            id="403 of XSUAA without /oauth/token",
        ),
        pytest.param(
            answer(404, content_type="text/html", body=CANARY.encode()),
            "check token_url, which is not a token endpoint",
            id="404 HTML",
        ),
        pytest.param(answer(400), "check token_url, client_id, its credentials and params_in", id="400, empty"),
        pytest.param(
            answer(400, {"error": ["invalid_client"]}),
            "check token_url, client_id, its credentials and params_in",
            id="error is a list",
        ),
        pytest.param(
            answer(200, {"error": CANARY}),
            "check token_url, client_id, its credentials and params_in",
            id="200 with an unregistered error",
        ),
    ],
)
def test_an_error_without_a_registered_code_shows_only_its_status(given_answer: TokenResponse, advice: str) -> None:
    """Nothing of the server's text is shown."""
    failure = failure_of(given_answer)
    assert type(failure) is GrantRejected
    assert failure.detail == f"{WHO} refused the grant with {given_answer.status}: {advice}."


@pytest.mark.parametrize(
    ("status", "body", "advice"),
    [
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
    ],
)
def test_what_uaa_is_known_to_say_has_its_own_advice(status: int, body: bytes, advice: str) -> None:
    """And none of its words are shown."""
    failure = failure_of(TokenResponse(status=status, body=body))
    assert isinstance(failure, GrantRejected)
    assert failure.detail.startswith(f"{WHO} refused the grant with {status}")
    assert failure.detail.endswith(f": {advice}.")
    assert "session" not in failure.detail


def test_a_hint_about_the_credentials_is_told_when_they_are_refused() -> None:
    """With a 401 only: a 404 has nothing to do with them."""
    suspicious = replace(REQUEST, hint="try the other one")
    for status, told in ((401, True), (404, False)):
        with pytest.raises(GrantRejected) as caught:
            read_answer(TokenResponse(status=status), suspicious, wall=0)
        assert caught.value.detail.endswith("; try the other one.") == told


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 599])
def test_what_may_pass_is_unavailable_and_tells_when(status: int) -> None:
    """Overload and server errors carry the server's Retry-After."""
    failure = failure_of(answer(status, {"error": CANARY}, retry_after="17"))
    assert type(failure) is GrantUnavailable
    assert failure.detail.startswith(f"{WHO} answered {status}: ")
    assert (failure.retry_after, CANARY in failure.detail) == (17, False)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(None, None, id="missing"),
        pytest.param("120", 120, id="seconds"),
        pytest.param(" 5 ", 5, id="white space"),
        pytest.param("0", 1, id="at least one second"),
        pytest.param("86400", 600, id="at most ten minutes"),
        pytest.param("9" * 5000, 600, id="huge"),
        pytest.param("Fri, 15 Jan 2027 08:01:30 GMT", 90, id="HTTP-date"),
        pytest.param("Friday, 15-Jan-27 08:01:30 GMT", 90, id="RFC 850 date"),
        pytest.param("Fri Jan 15 08:01:30 2027", 90, id="asctime date, which has no zone"),
        pytest.param("Fri, 15 Jan 2027 07:00:00 GMT", 1, id="date that is over"),
        pytest.param("-5", None, id="negative"),
        pytest.param("soon", None, id="word"),
        pytest.param("٣", None, id="digits of another script"),
        pytest.param("", None, id="empty"),
        pytest.param("Mon, 01 Jan 0001 00:00:00 +2359", 1, id="before the calendar"),
    ],
)
def test_retry_after_is_read_as(value: str | None, expected: int | None) -> None:
    """Seconds and dates are read, bounded to 1 to 600 seconds."""
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
    """There is no third outcome, and no failure's Retry-After is out of bounds."""
    given_answer = TokenResponse(status=status, content_type=content_type, retry_after=retry_after, body=body)
    try:
        granted = read_answer(given_answer, REQUEST, wall=WALL)
    except AuthorizationServerError as error:
        failure = error
    else:
        assert granted.access_token.isascii()
        assert granted.access_token.isprintable()
        assert " " not in granted.access_token
        return
    assert failure.detail.isprintable()
    assert failure.retry_after in {None, *range(1, 601)}
