"""The values of options that are a choice between words."""

from enum import StrEnum


class Provider(StrEnum):
    """Kind of authorization server; presets the options that differ between them."""

    NEO = "neo"
    XSUAA = "xsuaa"
    GENERIC = "generic"


class AuthMethod(StrEnum):
    """How the OAuth client authenticates at the token endpoint (RFC 7591 §2, RFC 8705 §2)."""

    CLIENT_SECRET_BASIC = "client_secret_basic"  # noqa: S105 (a method's name)
    CLIENT_SECRET_POST = "client_secret_post"  # noqa: S105 (a method's name)
    PRIVATE_KEY_JWT = "private_key_jwt"
    TLS_CLIENT_AUTH = "tls_client_auth"
    NONE = "none"

    @property
    def needs_secret(self) -> bool:
        """Whether the client has a secret; else none may be configured."""
        return self in {AuthMethod.CLIENT_SECRET_BASIC, AuthMethod.CLIENT_SECRET_POST}

    @property
    def needs_private_key(self) -> bool:
        """Whether the client has a key of its own, apart from that of a certificate."""
        return self is AuthMethod.PRIVATE_KEY_JWT

    @property
    def needs_certificate(self) -> bool:
        """Whether the client shows a certificate in the TLS handshake."""
        return self is AuthMethod.TLS_CLIENT_AUTH

    @property
    def signs(self) -> bool:
        """Whether the client signs an assertion, whose times must fit the server's clock (RFC 7523 §3)."""
        return self is AuthMethod.PRIVATE_KEY_JWT


class BasicEncoding(StrEnum):
    """How id and secret are encoded in the Basic field: not at all, or form-urlencoded first (RFC 6749 §2.3.1)."""

    RAW = "raw"
    URLENCODED = "urlencoded"


class ParamsIn(StrEnum):
    """Where the token request has its parameters."""

    QUERY = "query"
    BODY = "body"


class TokenFormat(StrEnum):
    """The `token_format` parameter (Neo); opaque sends none."""

    JWT = "jwt"
    JWTRFC = "jwtrfc"
    OPAQUE = "opaque"


class Cookies(StrEnum):
    """What happens to the upstream's cookies."""

    PREFIXED = "prefixed"
    DROP = "drop"


class CrossSite(StrEnum):
    """What happens to requests that browsers mark as sent by pages of other sites."""

    REFUSE = "refuse"
    ALLOW = "allow"


class Forwarded(StrEnum):
    """How the upstream learns the sender's address."""

    OFF = "off"
    X_FORWARDED = "x-forwarded"
    RFC7239 = "rfc7239"


class Csrf(StrEnum):
    """Whether the proxy fetches a CSRF token after a 403 that requires one."""

    AUTO = "auto"
    OFF = "off"


class LogFormat(StrEnum):
    """Format of log lines; auto: human on a terminal, else json."""

    AUTO = "auto"
    JSON = "json"
    HUMAN = "human"


class LogLevel(StrEnum):
    """The lowest level that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
