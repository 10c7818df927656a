"""A certificate with its chain, and the key to it, as PEM; and another pair that it does not fit."""

import trustme


def issue() -> tuple[str, str]:
    """(certificate with chain, key)."""
    issued = trustme.CA().issue_cert("client.example")
    chain = "".join(pem.bytes().decode() for pem in issued.cert_chain_pems)
    return chain, issued.private_key_pem.bytes().decode()


CERTIFICATE, KEY = issue()
OTHER_CERTIFICATE, OTHER_KEY = issue()
