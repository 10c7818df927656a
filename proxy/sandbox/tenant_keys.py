"""Keys and certificates, made anew at each start of the sandbox."""

import base64
import ssl
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from proxy.sandbox.certificate_authority import CertificateAuthority, Identity


class SigningKey:
    """The RS256 key of the JSON Web Tokens, with its public half as UAA publishes it."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.key_id = f"default-jwt-key--{uuid.uuid4().hex[:10]}"

    def sign(self, claims: Mapping[str, object], *, key_set_url: str | None = None) -> str:
        """Returns a JWT (RFC 7519); only XSUAA's has `jku`."""
        headers = {"kid": self.key_id} if key_set_url is None else {"jku": key_set_url, "kid": self.key_id}
        return jwt.encode(dict(claims), self._key, algorithm="RS256", headers=headers)

    def key_set(self) -> dict[str, object]:
        """Returns the JWK set (RFC 7517 §5) with UAA's additional `value`, the key as PEM."""
        numbers = self._key.public_key().public_numbers()
        pem = self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        key = {
            "kty": "RSA",
            "e": _base64url_number(numbers.e),
            "use": "sig",
            "kid": self.key_id,
            "alg": "RS256",
            "value": pem.strip(),
            "n": _base64url_number(numbers.n),
        }
        return {"keys": [key]}


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantKeys:
    """All keys and certificates of one tenant."""

    authority: CertificateAuthority
    client: Identity
    "Of the BTP client: its certificate, and the key that signs its assertions."
    signing: SigningKey
    server_context: ssl.SSLContext

    @classmethod
    def make(cls, client_name: str) -> Self:
        """Makes new keys; takes about 100 ms and writes files, so call it in a thread."""
        authority = CertificateAuthority()
        return cls(
            authority=authority,
            client=authority.issue_client(client_name),
            signing=SigningKey(),
            server_context=authority.server_context(authority.issue_server()),
        )


def _base64url_number(number: int) -> str:
    content = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
