"""The gate of a route that wants a certificate; the listener has verified it."""

from proxy.errors import CredentialRefused
from proxy.forwarding.request import Request


class CertificateAuthenticator:
    """Lets in whose certificate has one of the subjects."""

    def __init__(self, subjects: tuple[str, ...]) -> None:
        self._subjects = frozenset(subjects)

    def __repr__(self) -> str:
        return f"<CertificateAuthenticator {len(self._subjects)} subjects>"

    async def authenticate(self, request: Request, address: str) -> str:
        """Nobody's name, for the subject is in the log anyway; CredentialRefused for another, or none."""
        del address
        if request.sender.subject not in self._subjects:
            raise CredentialRefused("Show a certificate whose subject the route's `inbound_auth` knows.")
        return ""
