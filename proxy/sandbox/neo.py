"""Neo's authorization server: the token endpoint `/oauth2/api/v1/token` of an account."""

import secrets

from proxy.config.choices import AuthMethod
from proxy.sandbox.answers import NO_STORE, SandboxAnswer, json_answer, oauth_error, tomcat_page
from proxy.sandbox.clients import RegisteredClient
from proxy.sandbox.faults import read_lifetime
from proxy.sandbox.grants import GrantContext, GrantDecision, GrantOutcome, TokenRequest, refused
from proxy.sandbox.tokens import UNLIMITED, AccessToken, neo_claims

TOKEN_PATH = "/oauth2/api/v1/token"  # noqa: S105 (a path)
_DEFAULT_LIFETIME = "minutes:60"
_LONGEST_JWT = 12 * 3600
"SAP help, OAuth 2.0 JWT token types: a JWT is valid for 12 hours at most, whatever the OAuth client's lifetime."


class Neo:
    """Decides on token requests as Neo's authorization server does."""

    name = "neo"
    token_path = TOKEN_PATH

    def __init__(self, context: GrantContext) -> None:
        self._context = context

    def decide(self, request: TokenRequest) -> GrantDecision:
        """Checks the credentials first; only those in a Basic field count (SAP help, client credentials grant)."""
        if request.method != "POST":
            return refused(oauth_error("invalid_request", "POST is expected", status=405, fields=(("Allow", "POST"),)))
        credentials = request.credentials
        basic = credentials is not None and credentials.method is AuthMethod.CLIENT_SECRET_BASIC
        client = self._context.registry.authenticate(credentials, now=self._context.clock.wall()) if basic else None
        if client is None:
            return refused(self.refuse_credentials(request))
        if error := _grant_error(request):
            return refused(error)
        return GrantDecision(answer=self._grant(client, request), outcome=GrantOutcome.GRANTED)

    def refuse_credentials(self, request: TokenRequest) -> SandboxAnswer:
        """Answers 401; SAP documents no body, so a client must not rely on this one."""
        reason = "Client credentials are missing" if request.credentials is None else "Client authentication failed"
        challenge = ("WWW-Authenticate", 'Basic realm="SAP OAuth 2.0 Authorization Server"')
        return oauth_error("invalid_client", reason, status=401, fields=(challenge,))

    def answer_other_path(self, request: TokenRequest) -> SandboxAnswer:
        """Answers with Tomcat's 404."""
        del request
        return tomcat_page(404)

    def _grant(self, client: RegisteredClient, request: TokenRequest) -> SandboxAnswer:
        switch = self._context.faults.strike("neo.lifetime")
        lifetime = read_lifetime(switch.value if switch else _DEFAULT_LIFETIME)
        if lifetime == UNLIMITED:
            self._context.tokens.revoke(client.client_id)
        token = self._make_token(client, lifetime, jwt=request.parameters.get("token_format") in {"jwt", "jwtrfc"})
        self._context.tokens.add(token)
        document: dict[str, object] = {"access_token": token.value, "token_type": "Bearer"}
        return json_answer({**document, **self._describe(lifetime)}, fields=NO_STORE)

    def _make_token(self, client: RegisteredClient, lifetime: float, *, jwt: bool) -> AccessToken:
        now = int(self._context.clock.wall())
        expires_at = now + (min(lifetime, _LONGEST_JWT) if jwt else lifetime)
        value = secrets.token_hex(16)
        if jwt:
            claims = neo_claims(client, issuer=self._context.url, token_id=value, issued=now, expires=int(expires_at))
            value = self._context.key.sign(claims)
        return AccessToken(value=value, client_id=client.client_id, roles=client.roles, expires_at=expires_at)

    def _describe(self, lifetime: float) -> dict[str, object]:
        style = self._context.faults.strike("neo.reply_style")
        variant = self._context.faults.strike("neo.expires_in")
        stated: object = 0 if lifetime == UNLIMITED else int(lifetime)
        document: dict[str, object] = {"expires_in": stated, "scope": ""}
        if style is not None and style.value == "B":
            document = {"expires_in": 0, "scopes": []}
        if variant is not None:
            document["expires_in"] = variant.value
        if document["expires_in"] == "missing":
            del document["expires_in"]
        return document


def _grant_error(request: TokenRequest) -> SandboxAnswer | None:
    grant_type = request.parameters.get("grant_type")
    if grant_type is None:
        return oauth_error("invalid_request", "grant_type is missing", status=400)
    if grant_type != "client_credentials":
        return oauth_error("unsupported_grant_type", "The grant type is not supported", status=400)
    return None
