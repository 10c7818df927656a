"""The configuration as frozen values; every option of the file is a field here, with its default.

Times are in seconds, sizes in bytes. Relative paths and upstreams of the file are absolute here. The text below a field
is its description in the JSON Schema. `…Options` are the fields that the file (document.py) and the resolved
configuration share.
"""

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr

from proxy.config.base import Model
from proxy.config.checked_text import (
    ClientId,
    FieldValue,
    FreeField,
    FreeParam,
    HttpToken,
    MediaRange,
    Method,
    Name,
    Scopes,
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
from proxy.config.limits import KIB, Limits, Rate
from proxy.config.listen import Admin, ListenerSettings, ListenerTls
from proxy.config.outbox import OutboxSettings
from proxy.config.parsed_values import (
    Address,
    Count,
    Duration,
    FilePath,
    Network,
    Share,
    Size,
    Switch,
    Timeout,
    off_word,
)
from proxy.config.store import StoreSettings
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
    "OutboxSettings",
    "ParamsIn",
    "Provider",
    "Rate",
    "RouteOptions",
    "RouteSettings",
    "StoreSettings",
    "Tls",
    "TokenFormat",
]

MIB = 1 << 20


class Tls(Model):
    """TLS to one server: trusted authorities and own certificate; verification is never off."""

    ca_file: FilePath | None = None
    "Certificates of the authorities to trust (PEM); by default the ca_file at the top level, else the system's."
    cert_file: FilePath | None = None
    "The proxy's own certificate, with its chain (PEM)."
    key_file: FilePath | None = None
    "Private key of that certificate (PEM); not needed if cert_file contains both."

    def trusting(self, ca_file: Path | None) -> "Tls":
        """Returns the same with these authorities, unless it names its own."""
        return self if self.ca_file or not ca_file else self.model_copy(update={"ca_file": ca_file})


class OAuthClientOptions(Model):
    """Options of an OAuth client that are the same in the file and when resolved."""

    client_secret_file: FilePath | None = None
    "File with the secret; one line end at its end is ignored."
    client_secret_next: SecretStr | None = None
    "The next secret, tried when the first is rejected."
    client_secret_next_file: FilePath | None = None
    "File with the next secret."
    service_key_file: FilePath | None = None
    "Service key as downloaded from BTP (JSON), or the folder of a binding; it has id, secret or certificate, and URLs."
    scopes: Scopes = ()
    "Scopes to request."
    endpoint_params: dict[FreeParam, str] = Field(default_factory=dict, repr=False)
    "Further parameters of the token request."
    token_headers: dict[FreeField, FieldValue] = Field(default_factory=dict, repr=False)
    "Further fields of the token request."
    private_key_file: FilePath | None = None
    "Private key that signs assertions (PEM, RSA or EC P-256), for private_key_jwt."
    private_key_id: str | None = None
    "Key id (kid) in the header of the assertion."
    assertion_audience: str | None = None
    "Audience of the assertion; by default the token URL."
    tls: Tls = Tls()
    "Trusted authorities and own certificate for the token endpoint."
    proxy_url: ProxyUrl | None = None
    "Corporate proxy to the token endpoint, http://host:port; direct for none; by default HTTPS_PROXY."
    timeout: Timeout = 10.0
    "Time limit of one token request."
    expiry_buffer: Duration = 300.0
    "How long before its expiry a token is renewed; never more than a fifth of its lifetime."
    default_ttl: Timeout = 3600.0
    "Lifetime of a token whose answer does not state it (expires_in missing or 0); a 401 ends it earlier."
    grant_at_start: Switch = False
    "Gets the first token when the proxy starts, or a reload adds it; readiness waits for that, at most `timeout`."
    insecure: Switch = False
    "Permits a token URL with http:// to another machine, and nothing else."


class OAuthClient(OAuthClientOptions):
    """One OAuth client; service key and presets are resolved, secret files are read."""

    name: str
    provider: Provider
    token_url: str
    client_id: ClientId
    token_endpoint_auth_method: AuthMethod
    client_secret: SecretStr | None = None
    "With `client_secret_file` or `service_key_file` too: the content when it was read."
    basic_encoding: BasicEncoding
    params_in: ParamsIn
    token_format: TokenFormat
    certificate: SecretStr | None = None
    "PEM chain of a certificate service key."
    private_key: SecretStr | None = None
    "PEM key of a certificate service key."


class RouteOptions(Model):
    """Options of a route that are the same in the file and when resolved."""

    host: Host | None = None
    "Only requests to this host, compared without case and port; by default any."
    methods: Annotated[frozenset[Method], Field(min_length=1)] | None = None
    "Only these methods; by default any except CONNECT and TRACE."
    allow: tuple[Network, ...] | None = None
    "Only senders in these networks (CIDR); by default any."
    inbound_auth: InboundAuth | None = None
    "How senders authenticate; by default not at all."
    cross_site: CrossSite = CrossSite.REFUSE
    "refuse: browsers may send only from pages of this address, by a name that is known here; allow: from any page."
    content_types: Annotated[tuple[MediaRange, ...], Field(min_length=1)] | None = None
    "Only these media types, like application/xml or text/*, if a request has content; by default any."
    rate: Rate | None = None
    "How many requests senders may send; by default any number."
    max_concurrency: Count = 0
    "Concurrent exchanges, counted from the first byte of their bodies; 0 for any number."
    queue: Count = 0
    "How many more may wait for their turn, for at most connect_timeout."
    outbox: OutboxSettings | None = None
    "Accepts messages at once and delivers them later; by default messages are forwarded while their senders wait."
    csrf: Annotated[Csrf, BeforeValidator(off_word)] = Csrf.AUTO
    "auto: after a 403 that requires a CSRF token the proxy fetches one and tries again; off: the sender gets the 403."
    buffer: Size = MIB
    "A body up to this size is kept in memory, so that it can be sent again."
    spool: Size = 0
    "A larger body up to this size is kept in a file, so that it can be sent again; 0 for none."
    max_body: Annotated[Size, Field(gt=0)] = 40 * MIB
    "The largest body; 40 MB is the default of Cloud Integration."
    timeout: Timeout = 600.0
    "Time limit from the last byte of the request to the head of the answer, and for each pause in the answer."
    connect_timeout: Timeout = 10.0
    "Time limit of connecting to the upstream."
    retry_on_403: Switch = False
    "Treats a 403 like a 401: one more attempt with a new token."
    cookies: Cookies = Cookies.PREFIXED
    "prefixed: the upstream's cookies go to the sender and back, with a prefix in their names; drop: they are removed."
    drop_fields: tuple[FreeField, ...] = ()
    "Request fields that are not forwarded."
    set_fields: dict[FreeField, FieldValue] = Field(default_factory=dict, repr=False)
    "Request fields that are set, in place of the sender's."
    forwarded: Annotated[Forwarded, BeforeValidator(off_word)] = Forwarded.OFF
    "How the upstream learns the sender's address: off, not at all; x-forwarded, X-Forwarded-*; rfc7239, Forwarded."
    forward_sap_fields: Switch = False
    "Forwards all SAP_* and Camel* fields; else only SAP_ApplicationID, SAP_Sender, SAP_Receiver, SAP_MessageType."
    proxy_url: TunnelUrl | None = None
    "Corporate proxy to the upstream, http://host:port; direct for none; by default HTTPS_PROXY."
    tls: Tls = Tls()
    "Trusted authorities and own certificate for the upstream."
    insecure: Switch = False
    "Permits an upstream with http:// to another machine, and nothing else."

    @property
    def fenced(self) -> bool:
        """Whether it restricts its senders, by address or by credential."""
        return self.allow is not None or self.inbound_auth is not None

    @property
    def uses_files(self) -> bool:
        """Whether a body may be kept in a file: before it is sent, or before an outbox accepts it."""
        return self.spool > 0 or (self.outbox is not None and self.max_body > self.buffer)


class RouteSettings(RouteOptions):
    """Which requests go to which upstream, as which OAuth client."""

    name: str
    path: str
    "Prefix without a slash at its end, so that the root is empty."
    upstream: str
    "Absolute URL without a slash at its end."
    oauth_client: str
    secret_set_fields: frozenset[str] = frozenset()
    "Names of `set_fields` whose values have something of a variable, and so may be secret."


class LogSettings(Model):
    """What is logged, and how."""

    level: LogLevel = LogLevel.INFO
    "The lowest level that is logged."
    format: LogFormat = LogFormat.AUTO
    "auto: human on a terminal, else json."
    sample: Share = 1.0
    "Share of successful exchanges that are logged."


class Options(Model):
    """Options of the whole proxy that are the same in the file and when resolved."""

    limits: Limits = Limits()
    "Limits for senders."
    ca_file: FilePath | None = None
    "Certificates of the authorities (PEM) that OAuth clients and routes trust whose tls names none."
    upstream_idle_timeout: Timeout = 30.0
    "How long an unused connection to an upstream is kept; Cloud Integration closes it after 60 s."
    drain_timeout: Duration = 30.0
    "How long running exchanges may take when the proxy stops."
    trusted_proxies: tuple[Network, ...] = ()
    "Networks (CIDR) of proxies in front of this one; the sender is the last address in X-Forwarded-For outside them."
    reuse_port: Switch = False
    "Several processes can share one address, for a rolling restart."
    store: StoreSettings = StoreSettings()
    "Where outboxes keep their messages, and what replicas share."
    log: LogSettings = LogSettings()
    "What is logged, and how."


class Configuration(Options):
    """The whole configuration."""

    listen: tuple[ListenerSettings, ...]
    admin: Admin
    oauth_clients: dict[Name, OAuthClient]
    routes: tuple[RouteSettings, ...]
    via: HttpToken
