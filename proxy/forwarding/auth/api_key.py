"""The gate of a route that wants an API key."""

from hmac import compare_digest

from proxy.errors import CredentialRefused
from proxy.forwarding.request import Request


class ApiKeyAuthenticator:
    """Lets in who shows one of the keys in the field; nobody before the first `take`."""

    def __init__(self, field: str) -> None:
        self._field = field
        self._wanted = field.lower().encode()
        self._keys: tuple[bytes, ...] = ()

    def __repr__(self) -> str:
        return f"<ApiKeyAuthenticator {self._field}>"

    def update_keys(self, keys: tuple[bytes, ...]) -> None:
        """These are the keys from now on."""
        self._keys = keys

    async def authenticate(self, request: Request, address: str) -> str:
        """Nobody's name, for keys have none; CredentialRefused if the key is missing, wrong, or not the only one."""
        del address
        given = request.head.fields.values(self._wanted)
        matched = [compare_digest(key, given[0]) for key in self._keys] if len(given) == 1 else []
        if not any(matched):  # all are compared, so that time tells nothing of which comes close
            raise CredentialRefused(f"Send one of the keys that the route's `inbound_auth` knows in {self._field}.")
        return ""
