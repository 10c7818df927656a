"""What an option can be set to where there is a choice between words."""

from enum import StrEnum


class Provider(StrEnum):
    """Whose authorization server it is; presets what the providers differ in."""

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
        """Whether the client has a secret; without need it must not be configured."""
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
    """How id and secret go into the Basic field: as they are, or form-urlencoded first (RFC 6749 §2.3.1)."""

    RAW = "raw"
    URLENCODED = "urlencoded"


class ParamsIn(StrEnum):
    """Where the parameters of the grant go."""

    QUERY = "query"
    BODY = "body"


class TokenFormat(StrEnum):
    """The `token_format` parameter (Neo); opaque sends none."""

    JWT = "jwt"
    JWTRFC = "jwtrfc"
    OPAQUE = "opaque"


class Cookies(StrEnum):
    """What becomes of the upstream's cookies."""

    PREFIXED = "prefixed"
    DROP = "drop"


class CrossSite(StrEnum):
    """What becomes of requests that browsers mark as those of other sites' pages."""

    REFUSE = "refuse"
    ALLOW = "allow"


class Forwarded(StrEnum):
    """How the upstream learns the sender's address."""

    OFF = "off"
    X_FORWARDED = "x-forwarded"
    RFC7239 = "rfc7239"


class Csrf(StrEnum):
    """Whether a 403 that requires a CSRF token is answered with a handshake of ours."""

    AUTO = "auto"
    OFF = "off"


class LogFormat(StrEnum):
    """How a log line looks; auto is json unless standard error is a terminal."""

    AUTO = "auto"
    JSON = "json"
    HUMAN = "human"


class LogLevel(StrEnum):
    """The least severe lines that are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
