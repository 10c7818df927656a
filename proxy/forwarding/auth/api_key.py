"""Authenticates senders by an API key in a field."""

from hmac import compare_digest

from proxy.errors import CredentialRefused
from proxy.forwarding.request import Request


class ApiKeyAuthenticator:
    """Accepts one of the keys. Refuses everyone before the first `update_keys`."""

    def __init__(self, field: str) -> None:
        self._field = field
        self._wanted = field.lower().encode()
        self._keys: tuple[bytes, ...] = ()

    def __repr__(self) -> str:
        return f"<ApiKeyAuthenticator {self._field}>"

    def update_keys(self, keys: tuple[bytes, ...]) -> None:
        """Replaces the keys."""
        self._keys = keys

    async def authenticate(self, request: Request, address: str) -> str:
        """Returns "", because a key has no name. Raises CredentialRefused for no key, a wrong one or several."""
        del address
        given = request.head.fields.values(self._wanted)
        matched = [compare_digest(key, given[0]) for key in self._keys] if len(given) == 1 else []
        if not any(matched):  # all keys are compared, so that the time does not depend on the match
            raise CredentialRefused(f"Send one of the keys in the route's `inbound_auth` as {self._field}.")
        return ""
