"""Authenticates senders by name and password (RFC 7617).

A correct password is cached by a keyed digest of the whole field value, so that the next request takes a few
microseconds and no thread. A wrong one is not cached. An unknown name is checked against another user's hash, so that
the time does not show which names exist.
"""

import asyncio
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from functools import partial

from proxy.errors import CredentialMissing, Draining, SenderLeft
from proxy.forwarding.auth.password_checks import PasswordChecks, matches
from proxy.forwarding.auth.user_pass import user_pass
from proxy.forwarding.request import Request

MOST_CACHED = 1024
"Per route. The least recently used entry is dropped first."


class BasicAuthenticator:
    """Accepts a user with the correct password. Refuses everyone before the first `update_users`."""

    def __init__(self, checks: PasswordChecks) -> None:
        self._checks = checks
        self._key = secrets.token_bytes(32)
        self._current = _Users({})

    def __repr__(self) -> str:
        return f"<BasicAuthenticator {len(self._current.users)} users>"

    def update_users(self, users: Mapping[str, str]) -> None:
        """Replaces the users, which are password hashes by name. Clears the cache if they have changed."""
        if users != self._current.users:
            self._current = _Users(users)

    async def authenticate(self, request: Request, address: str) -> str:
        """Returns the user's name. Raises CredentialMissing if there is no password, or a wrong one."""
        given, user = request.head.fields.values(b"authorization"), ""
        if len(given) == 1:
            digest = hmac.digest(self._key, given[0], "sha256")
            user = self._current.cached(digest)
            is_right = bool(user)
            if not is_right:
                user, is_right = await self._checked(given[0], digest, address)
            if request.sender.left:
                raise SenderLeft
            if is_right:
                return user
        raise CredentialMissing(
            "Send the name and password of a user in the route's `inbound_auth` (RFC 7617).", user=user
        )

    async def _checked(self, value: bytes, digest: bytes, address: str) -> tuple[str, bool]:
        """Returns (the user's name or "", whether the password is theirs). The same field value is checked once."""
        known, found = self._current, user_pass(value)
        if found is None or not known.users:
            return "", False
        name, password = found
        check = known.checks.get(digest)
        if check is None:
            hashed = known.users.get(name) or next(iter(known.users.values()))
            check = known.checks[digest] = self._checks.begin(address, partial(matches, hashed, password))
            check.add_done_callback(lambda _: known.checks.pop(digest))
        try:
            is_right = await check
        except asyncio.CancelledError:  # the check was: an exchange has no task that could be cancelled
            raise Draining("The proxy is stopping; send the request again.", retry_after=1) from None
        if name not in known.users:
            return "", False
        if is_right:
            known.cache(digest, name)
        return name, is_right


class _Users:
    """The users of one version of the file, with a cache of correct field values."""

    def __init__(self, users: Mapping[str, str]) -> None:
        self.users = users
        self.checks: dict[bytes, asyncio.Future[bool]] = {}
        self._names: OrderedDict[bytes, str] = OrderedDict()

    def cached(self, digest: bytes) -> str:
        """Returns the user's name from the cache, or ""."""
        name = self._names.get(digest, "")
        if name:
            self._names.move_to_end(digest)
        return name

    def cache(self, digest: bytes, name: str) -> None:
        """Adds a correct field value to the cache."""
        self._names[digest] = name
        if len(self._names) > MOST_CACHED:
            self._names.popitem(last=False)
