"""The certificates that the proxy presents, by their use in a configuration."""

from collections.abc import Callable
from functools import partial

from proxy.config.files import read_file
from proxy.config.model import Configuration, OAuthClient
from proxy.oauth.credentials import with_secrets


def certificates(configuration: Configuration) -> dict[str, Callable[[], bytes]]:
    """Returns a function for each certificate that reads it, by what the certificate is for."""
    readers: dict[str, Callable[[], bytes]] = {
        f"listener {each.address}": partial(read_file, each.tls.cert_file) for each in configuration.listen if each.tls
    }
    for name, client in configuration.oauth_clients.items():
        if client.tls.cert_file is not None:
            readers[f"oauth_client {name}"] = partial(read_file, client.tls.cert_file)
        elif client.certificate is not None:
            readers[f"oauth_client {name}"] = partial(present_certificate, client)
    for route in configuration.routes:
        if route.tls.cert_file is not None:
            readers[f"route {route.name}"] = partial(read_file, route.tls.cert_file)
    return readers


def present_certificate(client: OAuthClient) -> bytes:
    """Returns the certificate that a service key's file contains now."""
    certificate = with_secrets(client).certificate
    return certificate.get_secret_value().encode() if certificate else b""
