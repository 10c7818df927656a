"""Resolves an OAuth client of the file: reads its service key, finds its provider, and applies the presets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proxy.config.choices import AuthMethod, BasicEncoding, Provider, TokenFormat
from proxy.config.credentials import Credentials, Read, check_tls
from proxy.config.document import OAuthClientEntry
from proxy.config.egress import DIRECT
from proxy.config.model import OAuthClient, OAuthClientOptions
from proxy.config.presets import PRESETS, provider_of
from proxy.config.problems import Location, Problems
from proxy.config.service_key import ServiceKey
from proxy.config.urls import is_cleartext, without_grant
from proxy.config.validation import carried_over


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedClient:
    """An OAuth client and the URL of its runtime."""

    client: OAuthClient
    runtime_url: str | None
    "The url in its service key, which upstreams can be relative to."


def register(
    entry: OAuthClientEntry, location: Location, *, written: Mapping[str, Any], read: Read, problems: Problems
) -> ResolvedClient | None:
    """Returns the OAuth client at the location; None if the problems say why there is none."""
    credentials = Credentials(entry, location, written=written, read=read, problems=problems)
    key = credentials.service_key()
    if not credentials.has_service_key:
        _require(written, location, problems)
    token_url, named_format = without_grant((key.token_url if key else entry.token_url) or "")
    client_id = (key.client_id if key else entry.client_id) or ""
    chosen = _chosen(entry, token_url, key, named_format=named_format)
    method: AuthMethod = chosen["token_endpoint_auth_method"]
    by_service_key = credentials.certificate(method, key)
    fields = {
        **carried_over(entry, OAuthClientOptions),
        **chosen,
        "client_secret": credentials.secret(method, key),
        "client_secret_next": credentials.next_secret(),
        "certificate": key.certificate if key and by_service_key else None,
        "private_key": key.private_key if key and by_service_key else None,
    }
    credentials.signing_key(method)
    check_tls(entry.tls, (*location, "tls"), read, problems)
    if method is AuthMethod.CLIENT_SECRET_BASIC and chosen["basic_encoding"] is BasicEncoding.RAW and ":" in client_id:
        wrong = "has a colon, which raw Basic cannot carry (RFC 7617); set `basic_encoding` to urlencoded"
        problems.add(credentials.place("client_id"), wrong)
    if is_cleartext(token_url) and not entry.insecure:
        wrong = "is http:// to another machine; write https:// or set `insecure` to true"
        problems.add(credentials.place("token_url"), wrong)
    if entry.proxy_url and token_url.startswith("http:") and entry.proxy_url.get_secret_value() != DIRECT:
        wrong = "is used only for https://, where it cannot see secrets; remove it"
        problems.add((*location, "proxy_url"), wrong)
    if not token_url or not client_id:
        return None
    client = OAuthClient(name=str(location[-1]), token_url=token_url, client_id=client_id, **fields)
    return ResolvedClient(client=client, runtime_url=key.url if key else None)


def _require(written: Mapping[str, Any], location: Location, problems: Problems) -> None:
    if "token_url" not in written:
        problems.add((*location, "token_url"), "is missing; set `token_url` or `service_key_file`")
    if "client_id" not in written:
        problems.add((*location, "client_id"), "is missing; set `client_id` or `service_key_file`")


def _chosen(
    entry: OAuthClientEntry, token_url: str, key: ServiceKey | None, *, named_format: str | None
) -> dict[str, Any]:
    """Returns the provider and its presets; options of the file come first, then those of service key and URL."""
    provider: Provider = entry.provider or provider_of(token_url, with_service_key=key is not None)
    preset = PRESETS[provider]
    method = AuthMethod.TLS_CLIENT_AUTH if key and key.certificate else preset.token_endpoint_auth_method
    in_url = TokenFormat(named_format) if named_format in set(TokenFormat) else preset.token_format
    return {
        "provider": provider,
        "token_endpoint_auth_method": entry.token_endpoint_auth_method or method,
        "basic_encoding": entry.basic_encoding or preset.basic_encoding,
        "params_in": entry.params_in or preset.params_in,
        "token_format": entry.token_format or in_url,
    }
