"""Tokens and failed grants as they are shared: encrypted, bound to the name of their row and their generation."""

import json
import math
from typing import TYPE_CHECKING, Any, Final

from proxy.errors import AuthorizationServerError, GrantMalformed, GrantRejected, GrantTimeout, GrantUnavailable
from proxy.oauth.answer import MAX_RETRY_AFTER
from proxy.oauth.backoff import FIRST, JITTER, LONGEST
from proxy.oauth.grant import grant_request
from proxy.oauth.token import Moment, Token, lasting
from proxy.store.tokens import Sealed, TokenRow

if TYPE_CHECKING:
    from proxy.config.model import OAuthClient
    from proxy.store.keys import Keys

LONGEST_UNANSWERED: Final = 5.0
"Longest shared pause after a grant without a clear answer: another replica's way to the server may be open."

_ERRORS: Final = {each.code: each for each in (GrantRejected, GrantMalformed, GrantUnavailable, GrantTimeout)}


def identity(client: "OAuthClient") -> bytes:
    """Returns what makes two replicas' OAuth clients the same: the token request and its credentials.

    It holds the secrets, so only a keyed hash of it may be stored.
    """
    request = grant_request(client)
    secrets = (client.client_secret, client.client_secret_next, client.certificate, client.private_key)
    parts = [
        request.target,
        sorted(request.fields),
        sorted(request.form),
        client.client_id,
        client.token_endpoint_auth_method.value,
        client.basic_encoding.value,
        [None if each is None else each.get_secret_value() for each in secrets],
    ]
    return json.dumps(parts).encode()


def seal_token(token: Token, keys: "Keys", *, name: bytes, generation: int) -> Sealed:
    """Encrypts what another replica needs of a token."""
    content = {
        "authorization": token.authorization.decode("ascii"),
        "lifetime": token.expires.monotonic - token.obtained.monotonic,
        "scopes": token.scopes,
    }
    return Sealed(*keys.seal(json.dumps(content).encode(), _context(b"token", name, generation)))


def open_token(
    row: TokenRow, keys: "Keys", *, name: bytes, looked: Moment, expiry_buffer: float, jitter: float
) -> Token | None:
    """Returns the row's token with times of our own clocks, counted back from `looked`; None if it has none.

    Raises KeyMissing or ValueForged (proxy/store/keys.py).
    """
    if row.token is None:
        return None
    content = json.loads(keys.unseal(*row.token, _context(b"token", name, row.generation)))
    return lasting(
        content["lifetime"],
        content["authorization"].encode("ascii"),
        asked=looked.after(-max(0.0, row.age)),
        expiry_buffer=expiry_buffer,
        jitter=jitter,
        scopes=tuple(content["scopes"]),
    )


def seal_failure(error: AuthorizationServerError, keys: "Keys", *, name: bytes, generation: int) -> Sealed:
    """Encrypts why a grant failed."""
    content = json.dumps({"code": error.code, "detail": error.detail, "definite": error.definite}).encode()
    return Sealed(*keys.seal(content, _context(b"failure", name, generation)))


def open_failure(row: TokenRow, keys: "Keys", *, name: bytes) -> AuthorizationServerError | None:
    """Returns the failure whose pause is not over; None if a grant may be made. Raises as `open_token`."""
    if row.failure is None or row.pause_left <= 0:
        return None
    content: dict[str, Any] = json.loads(keys.unseal(*row.failure, _context(b"failure", name, row.generation)))
    kind = _ERRORS.get(content["code"], GrantUnavailable)
    left = max(1, min(math.ceil(row.pause_left), MAX_RETRY_AFTER))
    return kind(content["detail"], retry_after=left, definite=content["definite"])


def shared_pause(error: AuthorizationServerError, failures: int) -> float:
    """Returns for how many seconds no replica may try again, after this many failures in a row.

    It is the shortest that the replica itself waits, so that this one finds the way free after its own pause.
    """
    longest = LONGEST if isinstance(error, GrantRejected | GrantMalformed) else LONGEST_UNANSWERED
    pause = min(FIRST * 2.0 ** min(failures - 1, 10), longest) * (1 - JITTER)
    return max(pause, float(error.retry_after or 0))


def _context(kind: bytes, name: bytes, generation: int) -> bytes:
    return kind + b" " + name + generation.to_bytes(8, "big")
