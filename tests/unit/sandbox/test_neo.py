"""What Neo's authorization server decides."""

import json
import re

import jwt
import pytest

from proxy.clock import Clock
from proxy.sandbox.answers import SandboxAnswer
from proxy.sandbox.faults import Faults, Switch, read_switch
from proxy.sandbox.grants import GrantOutcome, TokenRequest
from proxy.sandbox.neo import TOKEN_PATH, Neo
from proxy.sandbox.registration import Method, PresentedCredentials, RegisteredClient, Registry
from proxy.sandbox.tokens import IssuedTokens, SigningKey

CLIENT = RegisteredClient(client_id="a", secret="s")
BASIC = PresentedCredentials(client_id="a", secret="s", method=Method.BASIC)
NOW = 1_000_000
GRANT = {"grant_type": "client_credentials"}


class Server:
    """Neo with all that it needs."""

    def __init__(self, key: SigningKey, clock: Clock) -> None:
        self.ledger = IssuedTokens()
        self.faults = Faults()
        self.neo = Neo(
            url="https://neo", registry=Registry([CLIENT]), ledger=self.ledger, key=key, faults=self.faults, clock=clock
        )

    def ask(
        self,
        *,
        method: str = "POST",
        credentials: PresentedCredentials | None = BASIC,
        parameters: dict[str, str] = GRANT,
    ) -> tuple[SandboxAnswer, GrantOutcome]:
        """One token request."""
        request = TokenRequest(
            method=method, path=TOKEN_PATH, parameters=parameters, params_in="query", credentials=credentials
        )
        verdict = self.neo.decide(request)
        return verdict.answer, verdict.outcome

    def grant(self, **parameters: str) -> dict[str, object]:
        """The document of a request that is granted."""
        answer, outcome = self.ask(parameters=GRANT | parameters)
        assert (answer.status, outcome) == (200, GrantOutcome.GRANTED)
        document: dict[str, object] = json.loads(answer.body)
        return document


@pytest.fixture
def server(signing_key: SigningKey, clock: Clock) -> Server:
    """A server for one test."""
    return Server(signing_key, clock)


def test_an_opaque_token_is_32_hexadecimal_digits_and_good_for_an_hour(server: Server) -> None:
    """The reply has the fields of the blog, and may not be stored."""
    document = server.grant()
    value = str(document.pop("access_token"))
    assert re.fullmatch(r"[0-9a-f]{32}", value)
    assert document == {"token_type": "Bearer", "expires_in": 3600, "scope": ""}
    assert server.ledger.find(value, now=NOW + 3599) is not None
    assert server.ledger.find(value, now=NOW + 3600) is None
    assert ("Cache-Control", "no-store") in server.ask()[0].fields


@pytest.mark.parametrize("token_format", ["jwt", "jwtrfc"])
def test_a_jwt_is_given_where_it_is_asked_for(server: Server, token_format: str) -> None:
    """Its user is oauth_client_ and the id."""
    value = str(server.grant(token_format=token_format)["access_token"])
    claims = jwt.decode(value, options={"verify_signature": False})
    assert (claims["sub"], claims["iss"], claims["exp"]) == ("oauth_client_a", "https://neo", NOW + 3600)
    assert server.ledger.owner(value) == "a"


def test_a_jwt_lives_for_12_hours_at_most(server: Server) -> None:
    """Whatever the lifetime of the OAuth client says."""
    server.faults.switch_on("neo.lifetime", "minutes:100000")
    value = str(server.grant(token_format="jwt")["access_token"])
    assert jwt.decode(value, options={"verify_signature": False})["exp"] == NOW + 12 * 3600


def test_an_unlimited_token_says_expires_in_0_and_voids_the_one_before(server: Server) -> None:
    """It is good until the next is asked for."""
    server.faults.switch_on("neo.lifetime", "unlimited")
    first, second = server.grant(), server.grant()
    assert first["expires_in"] == 0
    assert server.ledger.find(str(first["access_token"]), now=NOW) is None
    assert server.ledger.find(str(second["access_token"]), now=NOW + 1e9) is not None


def test_a_limited_token_leaves_the_one_before_alone(server: Server) -> None:
    """Both are good."""
    first, _ = server.grant(), server.grant()
    assert server.ledger.find(str(first["access_token"]), now=NOW) is not None


def test_reply_style_b_has_scopes_and_expires_in_0(server: Server) -> None:
    """As the sample in SAP's help; style A is the default."""
    server.faults.switch_on("neo.reply_style", "B", count=1)
    document = server.grant()
    assert (document["expires_in"], document["scopes"], "scope" in document) == (0, [], False)
    server.faults.switch_on("neo.reply_style", "A", count=1)
    assert server.grant()["scope"] == ""


@pytest.mark.parametrize("value", [0, "3600", None, -5])
def test_expires_in_can_be_anything(server: Server, value: float | str | None) -> None:
    """The token is good for an hour all the same."""
    server.faults.put(read("neo.expires_in", value))
    assert server.grant()["expires_in"] == value


def test_expires_in_can_be_missing(server: Server) -> None:
    """The field is not there at all."""
    server.faults.switch_on("neo.expires_in", "missing")
    assert "expires_in" not in server.grant()


@pytest.mark.parametrize(
    ("credentials", "status"),
    [
        (None, 401),
        (PresentedCredentials(client_id="a", secret="wrong", method=Method.BASIC), 401),
        (PresentedCredentials(client_id="a", secret="s", method=Method.POST), 401),
        (PresentedCredentials(client_id="a", secret="", method=Method.CERTIFICATE), 401),
    ],
)
def test_only_the_right_secret_in_a_basic_field_is_taken(
    server: Server, credentials: PresentedCredentials | None, status: int
) -> None:
    """Credentials in the body are not supported."""
    answer, outcome = server.ask(credentials=credentials)
    assert (answer.status, outcome) == (status, GrantOutcome.REFUSED)
    assert json.loads(answer.body)["error"] == "invalid_client"
    assert [name for name, _ in answer.fields].count("WWW-Authenticate") == 1


@pytest.mark.parametrize(
    ("parameters", "error"),
    [({}, "invalid_request"), ({"grant_type": "password"}, "unsupported_grant_type")],
)
def test_the_grant_must_be_client_credentials(server: Server, parameters: dict[str, str], error: str) -> None:
    """400 with the code of RFC 6749 §5.2."""
    answer, outcome = server.ask(parameters=parameters)
    assert (answer.status, outcome, json.loads(answer.body)["error"]) == (400, GrantOutcome.REFUSED, error)


def test_only_post_is_taken(server: Server) -> None:
    """The answer says so."""
    answer, outcome = server.ask(method="GET")
    assert (answer.status, outcome) == (405, GrantOutcome.REFUSED)
    assert ("Allow", "POST") in answer.fields


def read(name: str, value: object) -> Switch:
    """A switch with a value that may be null."""
    return read_switch(name, {"value": value})
