"""An authority that issues certificates, for listeners and for senders."""

import ssl
from pathlib import Path

import trustme


class Authority:
    """Writes what it issues into a folder."""

    def __init__(self, folder: Path) -> None:
        self._issuer = trustme.CA()
        self._folder = folder

    def ca_file(self) -> str:
        """The file with its own certificate."""
        path = self._folder / "authority.pem"
        self._issuer.cert_pem.write_to_path(path)
        return str(path)

    def listener(self) -> dict[str, str]:
        """A certificate for proxy.example in place of the one before, as the options of a listener."""
        issued = self._issuer.issue_cert("proxy.example")
        cert_file, key_file = self._folder / "cert.pem", self._folder / "key.pem"
        cert_file.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(key_file)
        return {"cert_file": str(cert_file), "key_file": str(key_file)}

    def server(self) -> ssl.SSLContext:
        """What a server at 127.0.0.1 presents."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._issuer.issue_cert("127.0.0.1").configure_cert(context)
        return context

    def trusting(self) -> ssl.SSLContext:
        """What a sender needs that knows this authority."""
        context = ssl.create_default_context()
        context.set_alpn_protocols(["h2", "http/1.1"])
        self._issuer.configure_trust(context)
        return context

    def identify(self, context: ssl.SSLContext, common_name: str) -> ssl.SSLContext:
        """Gives the sender a certificate of this authority."""
        self._issuer.issue_cert("sender.example", common_name=common_name).configure_cert(context)
        return context
