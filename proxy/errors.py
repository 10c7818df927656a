"""Every error that a sender can be answered with, as one tree.

    ProxyError
    ├── SenderError                    the request cannot be served as it is: 4xx, 501, 505, 508
    ├── AuthorizationServerError       no token: 502, 503, 504
    ├── UpstreamError                  no answer, or an unreadable one: 502, 504
    └── OwnError                       the proxy cannot serve now: 503
    SenderLeft                         there is no one to answer; logged as 499

The class has the answer (status, `code`, title, RFC 9209 error type), the instance the facts: one sentence that says
what to do, without any secret, and the fields that the status requires.
"""

from collections.abc import Callable
from typing import ClassVar


class ProxyError(Exception):
    """An error with its answer to the sender (RFC 9457 problem, RFC 9209 Proxy-Status)."""

    status: ClassVar[int]
    code: ClassVar[str]
    title: ClassVar[str]
    proxy_status: ClassVar[str | None] = None
    "The RFC 9209 §2.3 error type, if one fits."
    required: tuple[tuple[str, str], ...] = ()
    "Fields that the status requires in the answer."

    def __init__(
        self, detail: str, *, retry_after: int | None = None, proxy_status: str | None = None, definite: bool = False
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.definite = definite
        "Whether trying again at once is useless or harmful: a server that refuses credentials may lock them."
        self.retry_after = retry_after
        "Whole seconds until trying again makes sense (RFC 9110 §10.2.3)."
        self.error_type = proxy_status or self.proxy_status
        self.hint: Callable[[], str] | None = None
        "Returns what the log says besides, and the sender does not get to know; called only if there is a line."

    def fields(self) -> list[tuple[str, str]]:
        """Returns the fields that the answer has because of this error."""
        retry_after = () if self.retry_after is None else (("Retry-After", str(self.retry_after)),)
        return [*retry_after, *self.required]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status} {self.code}: {self.detail}>"


class SenderLeft(Exception):
    """The sender's connection ended before its request was whole or its answer begun."""


class SenderError(ProxyError):
    """The sender's request cannot be served as it is."""


class RequestMalformed(SenderError):
    """The request is malformed or ambiguous (RFC 9112)."""

    status, code, title = 400, "request_malformed", "The request is not well-formed HTTP"
    proxy_status = "http_request_error"


class TargetOutsideRoute(SenderError):
    """The request target leaves its route's prefix, or can be read as that of another route."""

    status, code, title = 400, "target_outside_route", "The path leaves its route"


class CredentialMissing(SenderError):
    """The route requires Basic credentials and got none, or wrong ones (RFC 9110 §15.5.2)."""

    status, code, title = 401, "credential_missing", "Credentials are missing"
    required = (("WWW-Authenticate", 'Basic realm="cpi-oauth-proxy", charset="UTF-8"'),)
    "The challenge (RFC 7617 §2)."

    def __init__(self, detail: str, *, user: str = "") -> None:
        super().__init__(detail)
        self.user = user
        "The user whose password was wrong, for the log; empty if there is no such user."


class SenderNotAllowed(SenderError):
    """The sender's address is not in `allow` of the route or listener."""

    status, code, title, proxy_status = 403, "sender_not_allowed", "This sender is not allowed", "http_request_denied"


class CrossSiteRefused(SenderError):
    """A browser sent the request for a page of another site (W3C Fetch Metadata), or to an unknown name."""

    status, code, title = 403, "cross_site_refused", "A page of another site may not send this"
    proxy_status = "http_request_denied"


class CredentialRefused(SenderError):
    """The sender's API key or certificate is not accepted."""

    status, code, title, proxy_status = 403, "credential_refused", "The credential is refused", "http_request_denied"


class RouteUnknown(SenderError):
    """No route matches this host and path."""

    status, code, title = 404, "route_unknown", "No route for this request"

    def __init__(self, detail: str, *, hint: Callable[[], str] | None = None) -> None:
        super().__init__(detail)
        self.hint = hint


class MethodNotAllowed(SenderError):
    """The route, or the proxy itself, does not allow the method (RFC 9110 §15.5.6)."""

    status, code, title = 405, "method_not_allowed", "The method is not allowed"

    def __init__(self, detail: str, *, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(detail)
        self.required = (("Allow", ", ".join(allowed)),)


class RequestTimeout(SenderError):
    """The request did not arrive in time (RFC 9110 §15.5.9)."""

    status, code, title = 408, "request_timeout", "The request did not arrive in time"


class LengthRequired(SenderError):
    """The request has bytes after its head, but does not tell the length of its body (RFC 9110 §15.5.12)."""

    status, code, title = 411, "length_required", "The length of the body is missing"
    proxy_status = "http_request_error"


class BodyTooLarge(SenderError):
    """The body exceeds the route's `max_body` (RFC 9110 §15.5.14)."""

    status, code, title = 413, "body_too_large", "The body is too large"


class TargetTooLong(SenderError):
    """The request line exceeds `limits.max_head` (RFC 9110 §15.5.15)."""

    status, code, title = 414, "target_too_long", "The request target is too long"


class ContentTypeNotAllowed(SenderError):
    """The route does not accept this media type (RFC 9110 §15.5.16)."""

    status, code, title = 415, "content_type_not_allowed", "The content type is not allowed"
    proxy_status = "http_request_denied"

    def __init__(self, detail: str, *, accepted: tuple[str, ...] = ()) -> None:
        super().__init__(detail)
        self.required = (("Accept", ", ".join(accepted)),) if accepted else ()


class ExpectationUnknown(SenderError):
    """The Expect field is not 100-continue (RFC 9110 §10.1.1)."""

    status, code, title = 417, "expectation_unknown", "The expectation is unknown"


class MessageIdReused(SenderError):
    """Another message with the same id, but other content, was accepted before (RFC 9110 §15.5.21)."""

    status, code, title = 422, "message_id_reused", "The id belongs to another message"


class RateExceeded(SenderError):
    """The sender exceeds the route's `rate` (RFC 6585 §4)."""

    status, code, title, proxy_status = 429, "rate_exceeded", "Too many requests", "http_request_denied"


class HeadTooLarge(SenderError):
    """The head exceeds `limits.max_head` or `limits.max_fields` (RFC 6585 §5)."""

    status, code, title = 431, "head_too_large", "The head of the request is too large"


class ConnectRefused(SenderError):
    """CONNECT asks for a tunnel, to which no token can be added (RFC 9110 §9.3.6)."""

    status, code, title = 501, "connect_refused", "CONNECT is not supported"


class VersionUnsupported(SenderError):
    """The version is neither HTTP/1.0 nor HTTP/1.1 (RFC 9110 §15.6.6)."""

    status, code, title = 505, "version_unsupported", "This version of HTTP is not supported"


class Loop(SenderError):
    """The request has the proxy's own name in Via (RFC 9110 §7.6.3, RFC 5842 §7.2)."""

    status, code, title, proxy_status = 508, "loop", "The request came back to this proxy", "proxy_loop_detected"


class AuthorizationServerError(ProxyError):
    """The authorization server gave no token."""


class GrantRejected(AuthorizationServerError):
    """The token endpoint refused the credentials or the grant (RFC 6749 §5.2)."""

    status, code, title = 502, "grant_rejected", "The authorization server refused the grant"


class GrantMalformed(AuthorizationServerError):
    """The token endpoint's answer is not a token response (RFC 6749 §5.1)."""

    status, code, title = 502, "grant_malformed", "The authorization server's answer has no token"


class GrantUnavailable(AuthorizationServerError):
    """The token endpoint cannot be reached, is overloaded or failing."""

    status, code, title = 503, "grant_unavailable", "The authorization server is unavailable"


class GrantTimeout(AuthorizationServerError):
    """The token endpoint did not answer in time."""

    status, code, title = 504, "grant_timeout", "The authorization server did not answer in time"


class UpstreamError(ProxyError):
    """The upstream gave no answer that can be relayed."""


class UpstreamUnreachable(UpstreamError):
    """There is no connection to the upstream, and nothing of the request was sent."""

    status, code, title = 502, "upstream_unreachable", "The upstream cannot be reached"
    proxy_status = "destination_unavailable"


class UpstreamClosed(UpstreamError):
    """The upstream ended the connection before its answer began."""

    status, code, title = 502, "upstream_closed", "The upstream closed the connection"
    proxy_status = "connection_terminated"


class UpstreamMalformed(UpstreamError):
    """The upstream's answer is not well-formed HTTP (RFC 9112)."""

    status, code, title = 502, "upstream_malformed", "The upstream's answer is not valid HTTP"
    proxy_status = "http_protocol_error"


class UpstreamTimeout(UpstreamError):
    """The upstream did not answer within the route's `timeout`."""

    status, code, title = 504, "upstream_timeout", "The upstream did not answer in time"
    proxy_status = "http_response_timeout"


class ConnectTimeout(UpstreamError):
    """Connecting to the upstream took longer than the route's `connect_timeout`."""

    status, code, title, proxy_status = 504, "connect_timeout", "Connecting took too long", "connection_timeout"


class OwnError(ProxyError):
    """The proxy itself cannot serve now."""


class Overloaded(OwnError):
    """A limit of connections or concurrency is reached."""

    status, code, title, proxy_status = 503, "overloaded", "The proxy is at its limit", "connection_limit_reached"


class Draining(OwnError):
    """The proxy is stopping."""

    status, code, title = 503, "draining", "The proxy is stopping"


class SpoolUnavailable(OwnError):
    """The body was in a file, and the disk fails or hangs."""

    status, code, title, proxy_status = 503, "spool_unavailable", "The spool cannot be used", "proxy_internal_error"


class OutboxFull(OwnError):
    """The outbox has no room for another message, or its disk is full."""

    status, code, title = 503, "outbox_full", "The outbox is full"


class OutboxUnavailable(OwnError):
    """The store of the outbox cannot be used now, so nothing can be accepted."""

    status, code, title, proxy_status = 503, "outbox_unavailable", "The outbox cannot be used", "proxy_internal_error"
