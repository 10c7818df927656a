"""An authority that issues certificates."""

import ssl
from pathlib import Path

import trustme


class Authority:
    """Its files are in a folder."""

    def __init__(self, folder: Path) -> None:
        self._issuer = trustme.CA()
        self._folder = folder

    def ca_file(self) -> str:
        path = self._folder / "authority.pem"
        self._issuer.cert_pem.write_to_path(path)
        return str(path)

    def listener(self) -> dict[str, str]:
        """For proxy.example, instead of the one before, as the options of a listener."""
        issued = self._issuer.issue_cert("proxy.example")
        cert_file, key_file = self._folder / "cert.pem", self._folder / "key.pem"
        cert_file.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(key_file)
        return {"cert_file": str(cert_file), "key_file": str(key_file)}

    def server(self) -> ssl.SSLContext:
        """For 127.0.0.1."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._issuer.issue_cert("127.0.0.1").configure_cert(context)
        return context

    def trusting(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.set_alpn_protocols(["h2", "http/1.1"])
        self._issuer.configure_trust(context)
        return context

    def identify(self, context: ssl.SSLContext, common_name: str) -> ssl.SSLContext:
        self._issuer.issue_cert("sender.example", common_name=common_name).configure_cert(context)
        return context
