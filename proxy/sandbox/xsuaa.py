"""XSUAA, the authorization server of the Cloud Foundry environment; its texts are those of cloudfoundry/uaa."""

import uuid

from proxy.config.choices import AuthMethod
from proxy.sandbox.answers import HSTS, NO_STORE, AnswerFields, SandboxAnswer, json_answer, oauth_error
from proxy.sandbox.clients import RegisteredClient
from proxy.sandbox.faults import read_lifetime
from proxy.sandbox.grants import GrantContext, GrantDecision, GrantOutcome, TokenRequest, refused
from proxy.sandbox.tokens import UNLIMITED, AccessToken, granted_scopes, xsuaa_claims

TOKEN_PATH = "/oauth/token"  # noqa: S105 (a path)
KEYS_PATH = "/token_keys"
DISCOVERY_PATH = "/.well-known/openid-configuration"
_DEFAULT_LIFETIME = "minutes:60"
"The default of plan integration-flow."

_LONGEST = 86_400
"The longest lifetime that a service instance may set."

_OTHER_GRANTS = frozenset(
    {
        "authorization_code",
        "password",
        "refresh_token",
        "user_token",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:saml2-bearer",
    }
)
"Grant types that UAA knows but does not allow for service keys of integration flows."


class Xsuaa:
    """Decides on token requests as XSUAA does."""

    name = "xsuaa"
    token_path = TOKEN_PATH

    def __init__(self, context: GrantContext) -> None:
        self._context = context

    def decide(self, request: TokenRequest) -> GrantDecision:
        """Accepts credentials in Basic or in the body, a client certificate, or a client assertion."""
        if request.method != "POST":
            text = f"Request method '{request.method}' not supported"
            return refused(_error("method_not_allowed", text, status=405, fields=(("Allow", "POST"),)))
        client = self._context.registry.authenticate(
            request.credentials, now=self._context.clock.wall(), certificate_name=request.certificate_name
        )
        if client is None:
            return refused(self.refuse_credentials(request))
        if error := _grant_error(client, request):
            return refused(error)
        return GrantDecision(answer=self._grant(client), outcome=GrantOutcome.GRANTED)

    def refuse_credentials(self, request: TokenRequest) -> SandboxAnswer:
        """Answers 401; UAA's filters for Basic and for the body do this differently."""
        if request.credentials is not None and request.credentials.method is not AuthMethod.CLIENT_SECRET_BASIC:
            return _error("invalid_client", "Bad client credentials", status=401)
        challenge = 'Basic realm="UAA/client", error="unauthorized", error_description="Bad credentials"'
        return _error("unauthorized", "Bad credentials", status=401, fields=(("WWW-Authenticate", challenge),))

    def answer_other_path(self, request: TokenRequest) -> SandboxAnswer:
        """Publishes keys and discovery; a POST gets the answer that shows that `/oauth/token` is missing in the URL."""
        if request.path == KEYS_PATH:
            return json_answer(self._context.key.key_set(), fields=(HSTS,))
        if request.path == DISCOVERY_PATH:
            return json_answer(self._discover(), fields=(HSTS,))
        if request.method == "POST":
            text = "Could not verify the provided CSRF token because your session was not found."
            return json_answer({"error": text}, status=403, fields=(HSTS,))
        return json_answer({"error": "not_found"}, status=404, fields=(HSTS,))

    def _discover(self) -> dict[str, object]:
        token_endpoint = self._context.url + TOKEN_PATH
        return {
            "issuer": token_endpoint,
            "token_endpoint": token_endpoint,
            "jwks_uri": self._context.url + KEYS_PATH,
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": [
                method.value for method in AuthMethod if method is not AuthMethod.NONE
            ],
            "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
            "mtls_endpoint_aliases": {"token_endpoint": token_endpoint},
        }

    def _grant(self, client: RegisteredClient) -> SandboxAnswer:
        switch = self._context.faults.strike("xsuaa.lifetime")
        lifetime = read_lifetime(switch.value if switch else _DEFAULT_LIFETIME)
        token_id = uuid.uuid4().hex
        token = self._make_token(client, int(min(lifetime, _LONGEST)), token_id=token_id)
        self._context.tokens.add(token)
        # UAA computes this later than it signs, so all samples show one second less than the lifetime.
        stated: object = 0 if lifetime == UNLIMITED else int(lifetime) - 1
        variant = self._context.faults.strike("xsuaa.expires_in")
        if variant is not None:
            stated = variant.value
        document = {"access_token": token.value, "token_type": "bearer", "expires_in": stated}
        if stated == "missing":
            del document["expires_in"]
        document |= {"scope": " ".join(granted_scopes(client)), "jti": token_id}
        return json_answer(document, fields=(*NO_STORE, HSTS))

    def _make_token(self, client: RegisteredClient, lifetime: int, *, token_id: str) -> AccessToken:
        now = int(self._context.clock.wall())
        issuer = self._context.url + TOKEN_PATH
        claims = xsuaa_claims(client, issuer=issuer, token_id=token_id, issued=now, expires=now + lifetime)
        value = self._context.key.sign(claims, key_set_url=self._context.url + KEYS_PATH)
        return AccessToken(value=value, client_id=client.client_id, roles=client.roles, expires_at=now + lifetime)


def _grant_error(client: RegisteredClient, request: TokenRequest) -> SandboxAnswer | None:
    grant_type = request.parameters.get("grant_type")
    if grant_type is None:
        return _error("invalid_request", "Missing grant type", status=400)
    if grant_type in _OTHER_GRANTS:
        return _error("invalid_client", "Unauthorized grant type", status=401)
    if grant_type != "client_credentials":
        return _error("unsupported_grant_type", "Unsupported grant type", status=400)
    wanted = request.parameters.get("scope", "").split()
    if unknown := [scope for scope in wanted if scope not in granted_scopes(client)]:
        text = f"{unknown} is invalid. Please use a valid scope name in the request"
        return _error("invalid_scope", text, status=400)
    return None


def _error(error: str, description: str, *, status: int, fields: AnswerFields = ()) -> SandboxAnswer:
    return oauth_error(error, description, status=status, fields=(HSTS, *fields))
