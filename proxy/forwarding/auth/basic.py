"""The gate of a route that wants name and password (RFC 7617).

A password that was right is remembered by a keyed digest of the whole field, so that the next request costs a few
microseconds and no thread. One that was wrong is not: the next try costs a check again. Who is unknown costs a check
too, against somebody else's hash, so that time does not tell which names there are.
"""

import asyncio
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from functools import partial

from proxy.errors import CredentialMissing, Draining, SenderLeft
from proxy.forwarding.auth.password_checks import PasswordChecks
from proxy.forwarding.auth.passwords import matches
from proxy.forwarding.auth.user_pass import user_pass
from proxy.forwarding.request import Request

MOST_REMEMBERED = 1024
"Of one route; the one that was not used for longest is forgotten."


class BasicAuthenticator:
    """Lets in whose password is right; nobody before the first `take`."""

    def __init__(self, checks: PasswordChecks) -> None:
        self._checks = checks
        self._key = secrets.token_bytes(32)
        self._book = _Book({})

    def __repr__(self) -> str:
        return f"<BasicAuthenticator {len(self._book.users)} users>"

    def update_users(self, users: Mapping[str, str]) -> None:
        """These are the users from now on: hashes by name. What was remembered of others is forgotten."""
        if users != self._book.users:
            self._book = _Book(users)

    async def authenticate(self, request: Request, address: str) -> str:
        """The name of the user; CredentialMissing if there is none or the password is wrong."""
        given = request.head.fields.values(b"authorization")
        if len(given) == 1:
            digest = hmac.digest(self._key, given[0], "sha256")
            user = self._book.recall(digest) or await self._checked(given[0], digest, address)
            if request.sender.left:
                raise SenderLeft
            if user:
                return user
        raise CredentialMissing("Send name and password of a user whom the route's `inbound_auth` knows (RFC 7617).")

    async def _checked(self, value: bytes, digest: bytes, address: str) -> str:
        """The name of the user, or nothing; one check serves all that show the same at the same time."""
        book, found = self._book, user_pass(value)
        if found is None or not book.users:
            return ""
        name, password = found
        check = book.checks.get(digest)
        if check is None:
            hashed = book.users.get(name) or next(iter(book.users.values()))
            check = book.checks[digest] = self._checks.begin(address, partial(matches, hashed, password))
            check.add_done_callback(lambda _: book.checks.pop(digest))
        try:
            is_right = await check
        except asyncio.CancelledError:  # of the check: an exchange has no task that could be cancelled
            raise Draining("The proxy is stopping; send it again to the next one.", retry_after=1) from None
        if not is_right or name not in book.users:
            return ""
        book.remember(digest, name)
        return name


class _Book:
    """The users of one content of the file, and what is known of their fields."""

    def __init__(self, users: Mapping[str, str]) -> None:
        self.users = users
        self.checks: dict[bytes, asyncio.Future[bool]] = {}
        self._names: OrderedDict[bytes, str] = OrderedDict()

    def recall(self, digest: bytes) -> str:
        """Whose field it is, or nothing."""
        name = self._names.get(digest, "")
        if name:
            self._names.move_to_end(digest)
        return name

    def remember(self, digest: bytes, name: str) -> None:
        """It is this user's."""
        self._names[digest] = name
        if len(self._names) > MOST_REMEMBERED:
            self._names.popitem(last=False)
