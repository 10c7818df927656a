"""The file that `init` writes: one OAuth client, one route, and comments that say what to change next."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import indent
from typing import Any
from urllib.parse import urlsplit

import yaml

from proxy.cli.import_key import oauth_client, route
from proxy.config.choices import Provider
from proxy.config.parsed_values import Network
from proxy.config.service_key import ServiceKey
from proxy.config.urls import check_upstream, is_cleartext

_LISTEN = """\
# Senders on this machine post to http://127.0.0.1:8080{path}
# To let other machines send, replace the line with one like the next, and write their networks:
#listen: {{address: "0.0.0.0:8080", allow: [10.1.0.0/16]}}
listen: 127.0.0.1:8080
"""
_LISTEN_BEYOND = """\
# Senders in these networks post to http://HOST:8080{path}, where HOST is this machine.
# Passwords, keys or certificates of senders, and TLS: docs/access.md.
listen:
{listeners}"""
_GRANT = """\
    # A wrong secret is found at the start, before the first message. Remove the line to start without a token.
    grant_at_start: true
"""
"Not for Neo, where a new token may end those of other processes."
_DOCUMENT = """\
# Written by `cpi-oauth-proxy init`. Every option has a default; config/example.yaml lists them all.
# After each change: cpi-oauth-proxy check -c FILE. A running proxy reads the file again on SIGHUP, or with run --watch.

{listen}
# Health (/livez, /readyz), /metrics and /status.
admin: 127.0.0.1:9901

oauth_clients:
{client}\
{grant}    # If only a corporate proxy reaches the internet (without this, HTTPS_PROXY of the environment applies):
    #proxy_url: http://proxy.example.com:3128
    # If a corporate proxy opens TLS, or the authority is not among the system's:
    #tls: {{ca_file: /etc/ssl/company-ca.pem}}

routes:
  # What follows the path is appended to the upstream, query included. Add one route for each further flow.
{route}\
    # The same two as above, for messages:
    #proxy_url: http://proxy.example.com:3128
    #tls: {{ca_file: /etc/ssl/company-ca.pem}}
    # A larger message is a 413; the sender adapter has a limit of its own (Body Size, 40 MB).
    #max_body: 40MiB
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What `init` has been told."""

    provider: Provider
    key: ServiceKey
    "Also holds what was given without a service key."
    upstream: str
    networks: Sequence[Network]
    "Of senders on other machines; if there are none, only this machine may send."
    name: str
    "Of the OAuth client and its secret files."

    @property
    def path(self) -> str:
        """The path of senders, the same as the flow's at the tenant."""
        return urlsplit(self.upstream).path or "/"


def upstream_of(flow: str, runtime: str | None) -> str:
    """Returns the flow's URL; a path is below the service key's runtime. ValueError is the end of a sentence."""
    upstream = check_upstream(flow.removesuffix("/*"))
    if "://" not in upstream:
        if runtime is None:
            raise ValueError("is only a path; write the whole URL, as the monitor shows it")
        upstream = runtime + upstream
    return encrypted(upstream)


def encrypted(url: str) -> str:
    """Returns the URL; ValueError if requests to it would cross a network unencrypted."""
    if is_cleartext(url):
        raise ValueError("begins with http://; write https://")
    return url


def name_in(upstream: str) -> str:
    """Returns the characters of the path's last segment that a name may have."""
    last = urlsplit(upstream).path.rpartition("/")[2]
    return re.sub(r"^[^A-Za-z0-9]+|[^A-Za-z0-9._-]", "", last) or "tenant"


def first_configuration(setup: Setup) -> str:
    """Returns the text of the file."""
    listeners = _block(_listeners(setup.networks))
    listen = _LISTEN_BEYOND if setup.networks else _LISTEN
    client = oauth_client(setup.name, setup.key, setup.provider)
    return _DOCUMENT.format(
        listen=listen.format(path=setup.path, listeners=listeners),
        client=_block({setup.name: client}),
        grant="" if setup.provider is Provider.NEO else _GRANT,
        route=_block([route(setup.path, setup.upstream, setup.name)]),
    )


def _listeners(networks: Sequence[Network]) -> list[dict[str, Any]]:
    """Returns one listener for each version of IP that the networks have."""
    addresses = {4: "0.0.0.0:8080", 6: "[::]:8080"}
    admitted = {version: [_written(each) for each in networks if each.version == version] for version in addresses}
    return [{"address": addresses[version], "allow": allow} for version, allow in admitted.items() if allow]


def _block(content: Any) -> str:
    return indent(yaml.safe_dump(content, sort_keys=False, width=1000), "  ")


def _written(network: Network) -> str:
    """Returns CIDR; one address without its length, so that `check` warns if it is that of a network."""
    return str(network.network_address if network.prefixlen == network.max_prefixlen else network)
