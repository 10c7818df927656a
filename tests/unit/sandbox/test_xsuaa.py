"""What XSUAA decides."""

import json

import jwt
import pytest

from proxy.clock import Clock
from proxy.sandbox.answers import SandboxAnswer
from proxy.sandbox.faults import Faults
from proxy.sandbox.grants import GrantOutcome, TokenRequest
from proxy.sandbox.registration import Method, PresentedCredentials, RegisteredClient, Registry
from proxy.sandbox.tokens import IssuedTokens, SigningKey
from proxy.sandbox.xsuaa import DISCOVERY_PATH, KEYS_PATH, TOKEN_PATH, Xsuaa

CLIENT = RegisteredClient(client_id="sb-1!b2|it-rt-x!b3", secret="a$b=", certificate_name="cn")
BASIC = PresentedCredentials(client_id=CLIENT.client_id, secret=CLIENT.secret, method=Method.BASIC)
BODY = PresentedCredentials(client_id=CLIENT.client_id, secret=CLIENT.secret, method=Method.POST)
CERTIFICATE = PresentedCredentials(client_id=CLIENT.client_id, secret="", method=Method.CERTIFICATE)
NOW = 1_000_000


def request(
    *,
    method: str = "POST",
    path: str = TOKEN_PATH,
    credentials: PresentedCredentials | None = BASIC,
    certificate_name: str | None = None,
    **parameters: str,
) -> TokenRequest:
    """A request."""
    return TokenRequest(
        method=method,
        path=path,
        parameters=parameters,
        params_in="body",
        credentials=credentials,
        certificate_name=certificate_name,
    )


class Server:
    """XSUAA with all that it needs."""

    def __init__(self, key: SigningKey, clock: Clock) -> None:
        self.ledger = IssuedTokens()
        self.faults = Faults()
        self.xsuaa = Xsuaa(
            url="https://x",
            registry=Registry([CLIENT]),
            ledger=self.ledger,
            key=key,
            faults=self.faults,
            clock=clock,
        )

    def ask(self, asked: TokenRequest) -> tuple[SandboxAnswer, GrantOutcome]:
        """One token request."""
        verdict = self.xsuaa.decide(asked)
        return verdict.answer, verdict.outcome

    def grant(self) -> dict[str, object]:
        """The document of a request that is granted."""
        answer, outcome = self.ask(request(grant_type="client_credentials"))
        assert (answer.status, outcome) == (200, GrantOutcome.GRANTED)
        document: dict[str, object] = json.loads(answer.body)
        return document


@pytest.fixture
def server(signing_key: SigningKey, clock: Clock) -> Server:
    """A server for one test."""
    return Server(signing_key, clock)


def test_a_grant_has_uaas_fields_and_a_second_less_than_the_lifetime(server: Server) -> None:
    """The type is in lower case, and the scope is the application's role."""
    document = server.grant()
    value = str(document.pop("access_token"))
    claims = jwt.decode(value, options={"verify_signature": False})
    assert document == {
        "token_type": "bearer",
        "expires_in": 3599,
        "scope": "uaa.resource it-rt-x!b3.ESBMessaging.send",
        "jti": claims["jti"],
    }
    assert (claims["exp"], claims["iss"]) == (NOW + 3600, "https://x/oauth/token")
    assert jwt.get_unverified_header(value)["jku"] == "https://x/token_keys"
    assert server.ledger.owner(value) == CLIENT.client_id


@pytest.mark.parametrize(
    ("value", "stated", "lifetime"),
    [("minutes:720", 43199, 43200), ("unlimited", 0, 86400), ("minutes:100000", 5_999_999, 86400)],
)
def test_a_token_lives_for_a_day_at_most(server: Server, value: str, stated: int, lifetime: int) -> None:
    """The longest that a service instance may set."""
    server.faults.switch_on("xsuaa.lifetime", value)
    document = server.grant()
    claims = jwt.decode(str(document["access_token"]), options={"verify_signature": False})
    assert (document["expires_in"], claims["exp"]) == (stated, NOW + lifetime)


def test_expires_in_can_be_anything_or_missing(server: Server) -> None:
    """The token is good all the same."""
    server.faults.switch_on("xsuaa.expires_in", "soon", count=1)
    assert server.grant()["expires_in"] == "soon"
    server.faults.switch_on("xsuaa.expires_in", "missing", count=1)
    assert "expires_in" not in server.grant()


@pytest.mark.parametrize(("credentials", "name"), [(BASIC, None), (BODY, None), (CERTIFICATE, "cn")])
def test_all_three_ways_to_authenticate_are_taken(
    server: Server, credentials: PresentedCredentials, name: str | None
) -> None:
    """Basic, body, certificate."""
    asked = request(credentials=credentials, certificate_name=name, grant_type="client_credentials")
    assert server.ask(asked)[1] is GrantOutcome.GRANTED


BAD_BASIC = PresentedCredentials(client_id=CLIENT.client_id, secret="no", method=Method.BASIC)
BAD_BODY = PresentedCredentials(client_id=CLIENT.client_id, secret="no", method=Method.POST)


@pytest.mark.parametrize(
    ("asked", "status", "error", "description"),
    [
        (request(credentials=BAD_BASIC, grant_type="client_credentials"), 401, "unauthorized", "Bad credentials"),
        (request(credentials=None, grant_type="client_credentials"), 401, "unauthorized", "Bad credentials"),
        (
            request(credentials=BAD_BODY, grant_type="client_credentials"),
            401,
            "invalid_client",
            "Bad client credentials",
        ),
        (request(credentials=CERTIFICATE), 401, "invalid_client", "Bad client credentials"),
        (request(), 400, "invalid_request", "Missing grant type"),
        (request(grant_type="password"), 401, "invalid_client", "Unauthorized grant type"),
        (request(grant_type="magic"), 400, "unsupported_grant_type", "Unsupported grant type"),
        (request(method="GET"), 405, "method_not_allowed", "Request method 'GET' not supported"),
    ],
)
def test_refusals_have_uaas_texts(
    server: Server, asked: TokenRequest, status: int, error: str, description: str
) -> None:
    """Status, code and description."""
    answer, outcome = server.ask(asked)
    assert (answer.status, outcome) == (status, GrantOutcome.REFUSED)
    assert json.loads(answer.body) == {"error": error, "error_description": description}


def test_bad_basic_credentials_are_challenged(server: Server) -> None:
    """As UAA does; bad ones in the body are not."""
    challenge = 'Basic realm="UAA/client", error="unauthorized", error_description="Bad credentials"'
    assert ("WWW-Authenticate", challenge) in server.ask(request(credentials=BAD_BASIC))[0].fields
    assert "WWW-Authenticate" not in dict(server.ask(request(credentials=BAD_BODY))[0].fields)


def test_only_scopes_that_the_client_has_are_granted(server: Server) -> None:
    """Asking for another one is an error."""
    good = request(grant_type="client_credentials", scope="uaa.resource")
    bad = request(grant_type="client_credentials", scope="uaa.resource admin")
    assert server.ask(good)[1] is GrantOutcome.GRANTED
    answer, _ = server.ask(bad)
    assert (answer.status, json.loads(answer.body)["error"]) == (400, "invalid_scope")


def test_keys_and_discovery_are_published(server: Server, signing_key: SigningKey) -> None:
    """Discovery names the endpoint for certificates, too."""
    assert json.loads(server.xsuaa.elsewhere(request(path=KEYS_PATH)).body) == signing_key.key_set()
    document = json.loads(server.xsuaa.elsewhere(request(method="GET", path=DISCOVERY_PATH)).body)
    assert document["mtls_endpoint_aliases"] == {"token_endpoint": "https://x/oauth/token"}
    assert (document["issuer"], document["jwks_uri"]) == ("https://x/oauth/token", "https://x/token_keys")


def test_a_forgotten_path_is_answered_with_uaas_csrf_text(server: Server) -> None:
    """This is what people see who leave /oauth/token out."""
    answer = server.xsuaa.elsewhere(request(path="/"))
    text = "Could not verify the provided CSRF token because your session was not found."
    assert (answer.status, json.loads(answer.body)) == (403, {"error": text})
    assert server.xsuaa.elsewhere(request(method="GET", path="/")).status == 404
