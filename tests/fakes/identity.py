"""A certificate chain and its key as PEM; and a pair that does not fit."""

from collections.abc import Callable

import trustme


def issue() -> tuple[str, str]:
    """(certificate with chain, key)."""
    issued = trustme.CA().issue_cert("client.example")
    chain = "".join(pem.bytes().decode() for pem in issued.cert_chain_pems)
    return chain, issued.private_key_pem.bytes().decode()


CERTIFICATE, KEY = issue()
OTHER_CERTIFICATE, OTHER_KEY = issue()

SPELLINGS: dict[str, Callable[[str], bytes]] = {
    "as OpenSSL writes it": str.encode,
    "comments in UTF-8": lambda pem: f"# Türkiye İmza Çığ\n{pem}# Žluťoučký\n".encode(),
    "comments in Latin-1": lambda pem: f"# Grün\n{pem}# Ärger\n".encode("latin-1"),
    "comments in Windows-1254": lambda pem: f"# İmza Çığ\n{pem}".encode("cp1254"),
    "a byte order mark": lambda pem: f"\ufeff{pem}".encode(),
    "a byte order mark and a comment": lambda pem: f"\ufeff# İ\n{pem}".encode(),
    "no line end between blocks": lambda pem: pem.replace("-----\n-----", "----------").rstrip("\n").encode(),
    "a space between blocks": lambda pem: pem.replace("-----\n-----", "----- -----").encode(),
    "a comment before a block, in its line": lambda pem: f"x {pem}".encode(),
    "one line": lambda pem: pem.replace("\n", " ").encode(),
    "no line ends at all": lambda pem: pem.replace("\n", "").encode(),
    "line ends as letters": lambda pem: pem.replace("\n", "\\n").encode(),
    "CR LF": lambda pem: pem.replace("\n", "\r\n").encode(),
    "CR": lambda pem: pem.replace("\n", "\r").encode(),
    "indented": lambda pem: "".join(f"    {line}\n" for line in pem.splitlines()).encode(),
    "blank lines": lambda pem: pem.replace("\n", "\n\n").encode(),
}
"Files that people have, of any PEM."
