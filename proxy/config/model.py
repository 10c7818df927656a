"""The configuration as frozen values; every option of the file is a field here, with its default.

Times are seconds, sizes are bytes. What is relative in the file (paths, a service key's `upstream`) is absolute here.
The text below a field is its description in the JSON Schema. `…Options` are what the file (document.py) and the
resolved configuration share.
"""

from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr

from proxy.config.base import Model
from proxy.config.checked_text import (
    ClientId,
    FieldValue,
    FreeField,
    FreeParam,
    MediaRange,
    Method,
    Name,
    Scopes,
    Token,
)
from proxy.config.choices import (
    AuthMethod,
    BasicEncoding,
    Cookies,
    CrossSite,
    Csrf,
    Forwarded,
    LogFormat,
    LogLevel,
    ParamsIn,
    Provider,
    TokenFormat,
)
from proxy.config.inbound_auth import InboundAuth
from proxy.config.listen import Admin, ListenerSettings, ListenerTls
from proxy.config.parsed_values import (
    Address,
    Count,
    Duration,
    FilePath,
    Network,
    PerTime,
    Share,
    Size,
    Switch,
    Timeout,
    off_word,
)
from proxy.config.urls import Host, ProxyUrl, TunnelUrl

__all__ = [
    "KIB",
    "MIB",
    "Address",
    "Admin",
    "AuthMethod",
    "BasicEncoding",
    "Configuration",
    "Cookies",
    "Csrf",
    "Forwarded",
    "Limits",
    "ListenerSettings",
    "ListenerTls",
    "LogFormat",
    "LogLevel",
    "LogSettings",
    "Model",
    "OAuthClient",
    "OAuthClientOptions",
    "Options",
    "ParamsIn",
    "Provider",
    "Rate",
    "RouteOptions",
    "RouteSettings",
    "Tls",
    "TokenFormat",
]

KIB, MIB = 1 << 10, 1 << 20


class Tls(Model):
    """Trust and identity towards one server; verification is never off."""

    ca_file: FilePath | None = None
    "Certificates of the authorities to trust (PEM); without it those of the system."
    cert_file: FilePath | None = None
    "Own certificate, with its chain (PEM)."
    key_file: FilePath | None = None
    "Key of the own certificate (PEM); not needed where cert_file holds both."


class OAuthClientOptions(Model):
    """What the file says of an OAuth client and the model takes over."""

    client_secret_file: FilePath | None = None
    "File with the secret; one line end at its end is dropped."
    client_secret_next: SecretStr | None = None
    "The coming secret, tried when the first is rejected."
    client_secret_next_file: FilePath | None = None
    "File with the coming secret."
    service_key_file: FilePath | None = None
    "Service key as downloaded from BTP (JSON), or the folder of a binding; it brings id, secret or certificate, URLs."
    scopes: Scopes = ()
    "Scopes to ask for."
    endpoint_params: dict[FreeParam, str] = Field(default_factory=dict, repr=False)
    "Further parameters of the token request."
    token_headers: dict[FreeField, FieldValue] = Field(default_factory=dict, repr=False)
    "Further fields of the token request."
    private_key_file: FilePath | None = None
    "Key that signs assertions (PEM, RSA or EC P-256); for private_key_jwt."
    private_key_id: str | None = None
    "Key id (kid) in the assertion's head."
    assertion_audience: str | None = None
    "Audience of the assertion; without it the token URL."
    tls: Tls = Tls()
    "Trust and identity towards the token endpoint."
    proxy_url: ProxyUrl | None = None
    "Corporate proxy to the token endpoint, http://host:port; direct for none; without it as HTTPS_PROXY says."
    timeout: Timeout = 10.0
    "For one token request."
    expiry_buffer: Duration = 300.0
    "So long before its end a token is renewed; never more than a fifth of its lifetime."
    default_ttl: Timeout = 3600.0
    "Lifetime of a token that does not tell it (expires_in missing or 0); the upstream's 401 has the last word."
    insecure: Switch = False
    "Admits a token URL with http:// beyond this machine, and nothing else."


class OAuthClient(OAuthClientOptions):
    """One registration that we act as; service key and presets are resolved, secret files are read."""

    name: str
    provider: Provider
    token_url: str
    client_id: ClientId
    token_endpoint_auth_method: AuthMethod
    client_secret: SecretStr | None = None
    "Also where `client_secret_file` or `service_key_file` is given: what stood there when it was read."
    basic_encoding: BasicEncoding
    params_in: ParamsIn
    token_format: TokenFormat
    certificate: SecretStr | None = None
    "PEM chain of a certificate service key."
    private_key: SecretStr | None = None
    "PEM key of a certificate service key."


class Rate(Model):
    """How often senders may ask."""

    per_sender: PerTime
    "Of one sender: 50/s, 600/m or 1000/h."
    burst: Annotated[Count, Field(ge=1)] | None = None
    "So many at once; without it the number in per_sender."


class RouteOptions(Model):
    """What the file says of a route and the model takes over."""

    host: Host | None = None
    "Only requests to this host, compared without case and port; without it any."
    methods: Annotated[frozenset[Method], Field(min_length=1)] | None = None
    "Only these methods; without it any but CONNECT and TRACE."
    allow: tuple[Network, ...] | None = None
    "Only senders in these networks (CIDR); without it any."
    inbound_auth: InboundAuth | None = None
    "What senders show to be let in; without it nothing."
    cross_site: CrossSite = CrossSite.REFUSE
    "refuse: browsers may send only from pages of this very address, by a name that is known here; allow: from any."
    content_types: Annotated[tuple[MediaRange, ...], Field(min_length=1)] | None = None
    "Only these media types, like application/xml or text/*, where a request has content; without it any."
    rate: Rate | None = None
    "How often senders may ask; without it as often as they like."
    max_concurrency: Count = 0
    "Exchanges at a time, from the first octet of their bodies on; 0 for any number."
    queue: Count = 0
    "So many more wait for their turn, for at most connect_timeout."
    csrf: Annotated[Csrf, BeforeValidator(off_word)] = Csrf.AUTO
    "auto: a 403 that requires a CSRF token is answered with a handshake; off: the sender gets it."
    buffer: Size = MIB
    "A body up to this size is kept in memory, so that it can be sent a second time."
    spool: Size = 0
    "A larger body up to this size is kept in a file, so that it can be sent a second time; 0 for none."
    max_body: Annotated[Size, Field(gt=0)] = 40 * MIB
    "The largest body; 40 MB is CPI's own default."
    timeout: Timeout = 600.0
    "From the last byte of the request to the head of the answer, and for any gap in the answer."
    connect_timeout: Timeout = 10.0
    "For a connection to the upstream."
    retry_on_403: Switch = False
    "Treats a 403 like a 401: a new token, one replay."
    cookies: Cookies = Cookies.PREFIXED
    "prefixed: the upstream's cookies go to the sender and back under names of their own; drop: they do not."
    drop_fields: tuple[FreeField, ...] = ()
    "Fields of requests that do not go on."
    set_fields: dict[FreeField, FieldValue] = Field(default_factory=dict, repr=False)
    "Fields that requests are given, in place of the sender's."
    forwarded: Annotated[Forwarded, BeforeValidator(off_word)] = Forwarded.OFF
    "How the upstream learns the sender's address: off, not; x-forwarded, by X-Forwarded-*; rfc7239, by Forwarded."
    forward_sap_fields: Switch = False
    "Lets all SAP_* and Camel* fields go on; else only SAP_ApplicationID, SAP_Sender, SAP_Receiver, SAP_MessageType."
    proxy_url: TunnelUrl | None = None
    "Corporate proxy to the upstream, http://host:port; direct for none; without it as HTTPS_PROXY says."
    tls: Tls = Tls()
    "Trust and identity towards the upstream."
    insecure: Switch = False
    "Admits an upstream with http:// beyond this machine, and nothing else."


class RouteSettings(RouteOptions):
    """Which requests go to which upstream, as which OAuth client."""

    name: str
    path: str
    "Prefix without a slash at its end, so that the root is empty."
    upstream: str
    "Absolute URL without a slash at its end."
    oauth_client: str


class Limits(Model):
    """What one sender may take."""

    max_head: Annotated[Size, Field(ge=KIB)] = 64 * KIB
    "Request line and fields together."
    max_fields: Annotated[Count, Field(ge=1)] = 100
    "Number of fields."
    head_timeout: Timeout = 15.0
    "For a whole head."
    body_timeout: Timeout = 60.0
    "For a gap in a body."
    idle_timeout: Timeout = 75.0
    "For a connection without a request, also a new one."
    max_connections: Annotated[Count, Field(ge=1)] = 10_000
    "Connections of all senders; fewer where the system has too few descriptors."
    max_connections_per_sender: Count = 0
    "Connections of one sender; 0 for any number."


class LogSettings(Model):
    """What is logged, and how."""

    level: LogLevel = LogLevel.INFO
    "The least severe lines that are written."
    format: LogFormat = LogFormat.AUTO
    "auto is json unless standard error is a terminal."
    sample: Share = 1.0
    "Share of successful exchanges that are logged."


class Options(Model):
    """What the file says of the whole and the model takes over."""

    limits: Limits = Limits()
    "What senders may take."
    upstream_idle_timeout: Timeout = 30.0
    "A connection to an upstream that was not used for so long is closed; CPI closes at 60 s."
    drain_timeout: Duration = 30.0
    "So long running exchanges may take when the proxy stops."
    trusted_proxies: tuple[Network, ...] = ()
    "Networks (CIDR) of proxies before this one; the sender is the last address in X-Forwarded-For outside of them."
    reuse_port: Switch = False
    "Lets several processes share one address, for a rolling restart."
    log: LogSettings = LogSettings()
    "What is logged, and how."


class Configuration(Options):
    """All of it."""

    listen: tuple[ListenerSettings, ...]
    admin: Admin
    oauth_clients: dict[Name, OAuthClient]
    routes: tuple[RouteSettings, ...]
    via: Token
