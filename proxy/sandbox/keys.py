"""What is made new at each start of the sandbox: keys, certificates and OAuth clients."""

import base64
import secrets
import ssl
import uuid
from dataclasses import dataclass
from typing import Self

from proxy.sandbox.certificates import CertificateAuthority, Identity
from proxy.sandbox.registration import RegisteredClient
from proxy.sandbox.tokens import SigningKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Keys and certificates."""

    authority: CertificateAuthority
    client: Identity
    "Of the BTP client."
    signing: SigningKey
    server_context: ssl.SSLContext

    @classmethod
    def make(cls, client_name: str) -> Self:
        """Takes a tenth of a second and touches files: not for the event loop."""
        authority = CertificateAuthority()
        return cls(
            authority=authority,
            client=authority.issue_client(client_name),
            signing=SigningKey(),
            server_context=authority.server_context(authority.issue_server()),
        )


def make_neo_client(secret: str | None) -> RegisteredClient:
    """As registered in Neo's cockpit."""
    return RegisteredClient(client_id="sandbox-neo-client", secret=secret or secrets.token_urlsafe(24))


def make_roleless_client() -> RegisteredClient:
    """A Neo client whose tokens are good, and whose user `oauth_client_<id>` has no role."""
    secret = secrets.token_urlsafe(24)
    return RegisteredClient(client_id="sandbox-neo-without-role", secret=secret, roles=frozenset())


def make_btp_client() -> RegisteredClient:
    """As created by a service key, with the characters in id and secret that encodings break."""
    instance = uuid.uuid4()
    secret = f"{uuid.uuid4()}${base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()}"
    return RegisteredClient(
        client_id=f"sb-{instance}!b1234|it-rt-sandbox!b5678", secret=secret, certificate_name=f"sandbox-{instance}"
    )
