"""Authenticates senders by their client certificate, which the listener has verified."""

from proxy.config.inbound_auth import both_orders
from proxy.errors import CredentialRefused
from proxy.forwarding.request import Request


class CertificateAuthenticator:
    """Accepts a certificate with one of the subjects, whichever end they begin with."""

    def __init__(self, subjects: tuple[str, ...]) -> None:
        self._count = len(subjects)
        self._subjects = frozenset(each for subject in subjects for each in both_orders(subject))

    def __repr__(self) -> str:
        return f"<CertificateAuthenticator {self._count} subjects>"

    async def authenticate(self, request: Request, address: str) -> str:
        """Returns "", because the log has the subject anyway. Raises CredentialRefused for another subject, or none."""
        del address
        if request.sender.subject not in self._subjects:
            raise CredentialRefused("Use a client certificate with a subject in the route's `inbound_auth`.")
        return ""
