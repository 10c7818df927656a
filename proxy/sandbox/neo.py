"""Neo's authorization server: the token endpoint `/oauth2/api/v1/token` of an account."""

import secrets

from proxy.clock import Clock
from proxy.sandbox.answers import NO_STORE, SandboxAnswer, json_answer
from proxy.sandbox.faults import Faults, read_lifetime
from proxy.sandbox.grants import GrantDecision, GrantOutcome, TokenRequest
from proxy.sandbox.pages import tomcat_page
from proxy.sandbox.registration import Method, RegisteredClient, Registry
from proxy.sandbox.tokens import UNLIMITED, AccessToken, IssuedTokens, SigningKey, neo_claims

TOKEN_PATH = "/oauth2/api/v1/token"  # noqa: S105 (a path)
_DEFAULT_LIFETIME = "minutes:60"
_LONGEST_JWT = 12 * 3600
"SAP help, OAuth 2.0 JWT token types: a JWT is valid for 12 hours at most, whatever the OAuth client's lifetime."


class Neo:
    """Decides on token requests as Neo does."""

    place = "neo"
    token_path = TOKEN_PATH

    def __init__(
        self, *, url: str, registry: Registry, ledger: IssuedTokens, key: SigningKey, faults: Faults, clock: Clock
    ) -> None:
        self._url = url
        self._registry = registry
        self._ledger = ledger
        self._key = key
        self._faults = faults
        self._clock = clock

    def decide(self, request: TokenRequest) -> GrantDecision:
        """The credentials come first, and count in a Basic field only (SAP help, client credentials grant)."""
        if request.method != "POST":
            return _refused(_error("invalid_request", "POST is expected", status=405, fields=(("Allow", "POST"),)))
        credentials = request.credentials
        basic = credentials is not None and credentials.method is Method.BASIC
        client = self._registry.authenticate(credentials) if basic else None
        if client is None:
            return _refused(self.refuse_credentials(request))
        if refusal := _refuse_grant(request):
            return _refused(refusal)
        return GrantDecision(answer=self._grant(client, request), outcome=GrantOutcome.GRANTED)

    def refuse_credentials(self, request: TokenRequest) -> SandboxAnswer:
        """SAP documents no body for this; the proxy must not rely on one."""
        reason = "Client credentials are missing" if request.credentials is None else "Client authentication failed"
        challenge = ("WWW-Authenticate", 'Basic realm="SAP OAuth 2.0 Authorization Server"')
        return _error("invalid_client", reason, status=401, fields=(challenge,))

    def elsewhere(self, request: TokenRequest) -> SandboxAnswer:
        """Nothing else is served."""
        del request
        return tomcat_page(404)

    def _grant(self, client: RegisteredClient, request: TokenRequest) -> SandboxAnswer:
        switch = self._faults.strike("neo.lifetime")
        lifetime = read_lifetime(switch.value if switch else _DEFAULT_LIFETIME)
        if lifetime == UNLIMITED:
            self._ledger.void(client.client_id)
        token = self._make_token(client, lifetime, jwt=request.parameters.get("token_format") in {"jwt", "jwtrfc"})
        self._ledger.enter(token)
        document: dict[str, object] = {"access_token": token.value, "token_type": "Bearer"}
        return json_answer({**document, **self._describe(lifetime)}, fields=NO_STORE)

    def _make_token(self, client: RegisteredClient, lifetime: float, *, jwt: bool) -> AccessToken:
        now = int(self._clock.wall())
        expires_at = now + (min(lifetime, _LONGEST_JWT) if jwt else lifetime)
        value = secrets.token_hex(16)
        if jwt:
            claims = neo_claims(client, issuer=self._url, token_id=value, issued=now, expires=int(expires_at))
            value = self._key.sign(claims)
        return AccessToken(value=value, client_id=client.client_id, roles=client.roles, expires_at=expires_at)

    def _describe(self, lifetime: float) -> dict[str, object]:
        style = self._faults.strike("neo.reply_style")
        variant = self._faults.strike("neo.expires_in")
        stated: object = 0 if lifetime == UNLIMITED else int(lifetime)
        document: dict[str, object] = {"expires_in": stated, "scope": ""}
        if style is not None and style.value == "B":
            document = {"expires_in": 0, "scopes": []}
        if variant is not None:
            document["expires_in"] = variant.value
        if document["expires_in"] == "missing":
            del document["expires_in"]
        return document


def _refuse_grant(request: TokenRequest) -> SandboxAnswer | None:
    grant_type = request.parameters.get("grant_type")
    if grant_type is None:
        return _error("invalid_request", "grant_type is missing", status=400)
    if grant_type != "client_credentials":
        return _error("unsupported_grant_type", "The grant type is not supported", status=400)
    return None


def _refused(answer: SandboxAnswer) -> GrantDecision:
    return GrantDecision(answer=answer, outcome=GrantOutcome.REFUSED)


def _error(error: str, description: str, *, status: int, fields: tuple[tuple[str, str], ...] = ()) -> SandboxAnswer:
    document = {"error": error, "error_description": description}
    return json_answer(document, status=status, fields=(*NO_STORE, *fields))
