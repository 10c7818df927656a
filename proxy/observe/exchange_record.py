"""The record of an exchange: filled in while the exchange runs, read by its observers at the end."""

import time
from collections.abc import Callable
from typing import Any, Final

from proxy.errors import CredentialMissing, ProxyError
from proxy.observe.exchange_steps import ExchangeSteps
from proxy.observe.recording import ExchangeRecording

LONGEST_METHOD: Final = 32
LONGEST_PATH: Final = 256
LONGEST_USER: Final = 64
LONGEST_TARGET: Final = 2 << 10
"Bytes kept of a method and a path; characters kept of a user name; bytes kept of a target, for the console."
LONGEST_URL: Final = 256
"Characters kept of the upstream's URL."
LONGEST_ID: Final = 128
LONGEST_SUBJECT: Final = 200
LONGEST_DETAIL: Final = 400
"Characters kept of text that others write: ids in an answer, the subject of a certificate, the detail of an error."


class ExchangeRecord:
    """What is known of one exchange; phases in seconds. The usual values are class attributes."""

    sender: str = ""
    "The address that counts (see `trusted_proxies`); empty for a Unix socket."
    upstream: str = ""
    "The URL that the request went to, without its query; empty before the first attempt."
    route: str = ""
    oauth_client: str = ""
    user: str = ""
    "Authenticated, or refused because of a wrong password."
    status: int = 0
    upstream_status: int = 0
    made_by = "upstream"
    code: str = ""
    detail: str = ""
    diagnosis: str = ""
    _hint: Callable[[], str] | None = None
    token = ""
    _waited: bool = False
    attempts = 0
    replays: tuple[str, ...] = ()
    bytes_in: int = 0
    bytes_out: int = 0
    token_seconds: float = 0.0
    connect_seconds: float = 0.0
    first_byte_seconds: float = 0.0
    relay_seconds: float = 0.0
    total_seconds: float = 0.0
    mpl_id: str = ""
    correlation_id: str = ""
    message_id: str = ""
    "Of a message that an outbox has accepted."
    client_certificate = ""
    steps: ExchangeSteps | None = None
    "Logs the steps of the exchange; None unless the level is debug."
    span: Any = None
    "OpenTelemetry's span, if spans are enabled."
    trace: tuple[bytes, ...] = ()
    "Trace context lines for the forwarded head."
    heads: list[bytes] | None = None
    "The head of each attempt, credentials included; None unless an observer wants them when the exchange begins."
    recording: ExchangeRecording | None = None
    "Keeps fields and bodies; None unless the route is recorded."

    def __init__(
        self, request_id: str, method: str, path: bytes = b"", now: Callable[[], float] = time.monotonic
    ) -> None:
        """`path` is the request target as received. No log line and no span has its query, which may hold secrets."""
        self._now = now
        self._start = self._mark = now()
        self.request_id, self.method = request_id, method[:LONGEST_METHOD]
        self.target = path[:LONGEST_TARGET]
        "Show it only with the credentials in its query masked (`masked_query`)."
        self.path = path[:LONGEST_PATH].partition(b"?")[0].decode("latin-1")

    def traced(self, span: Any, lines: tuple[bytes, ...]) -> None:
        """Notes the exchange's span, and the lines that pass it on to the upstream."""
        self.span, self.trace = span, lines

    def routed(self, route: str, oauth_client: str, upstream_url: str = "") -> None:
        """Notes the route of the request."""
        self.route, self.oauth_client = route, oauth_client
        if self.steps is not None:
            self.steps.routed(route, upstream_url, oauth_client)

    def authenticated(self, user: str) -> None:
        """Notes the user; empty if the credential has no user name."""
        self.user = user[:LONGEST_USER]

    def begin_token(self) -> None:
        """Notes that the exchange starts to wait for a token."""
        self._waited = True
        self._mark = self._now()

    def end_token(self) -> None:
        """Notes that the wait for a token is over, with or without a token."""
        mark, self._mark = self._mark, self._now()
        self.token_seconds += self._mark - mark

    def have_token(self, *, renewed: bool) -> None:
        """Notes where the token is from. A token that an earlier attempt waited for does not become `cached`."""
        if renewed:
            self.token = "renewed"
        elif not self.token:
            self.token = "granted" if self._waited else "cached"
        if self.steps is not None:
            self.steps.have_token(self.oauth_client, self.token)

    def begin_connection(self) -> None:
        """Notes that the exchange starts to wait for a new connection."""
        self._mark = self._now()

    def end_connection(self) -> None:
        """Notes that the wait for a connection is over."""
        mark, self._mark = self._mark, self._now()
        self.connect_seconds += self._mark - mark

    def answered(self) -> None:
        """Adds the time since the last mark to first_byte_seconds: an answer, a failure or a CSRF unit has arrived."""
        mark, self._mark = self._mark, self._now()
        self.first_byte_seconds += self._mark - mark

    def replayed(self, reason: str) -> None:
        """Notes one more attempt and its reason."""
        self.replays += (reason,)

    def relayed(self, status: int) -> None:
        """Notes that the upstream's answer goes to the sender."""
        self.status = self.upstream_status = status

    def kept(self, status: int, message_id: str) -> None:
        """Notes that an outbox has accepted the message."""
        self.status, self.message_id, self.made_by = status, message_id, "outbox"

    def failed(self, error: ProxyError) -> None:
        """Notes that the sender gets an answer of the proxy itself."""
        self.status, self.code, self.detail, self.made_by = error.status, error.code, error.detail, "proxy"
        if isinstance(error, CredentialMissing):
            self.authenticated(error.user)
        self._hint = error.hint

    def explain(self) -> None:
        """Adds to the detail what only the log says; not done for each refusal, because it costs more than these."""
        if self._hint is not None:
            self.detail, self._hint = f"{self.detail} {self._hint()}", None

    def release(self) -> None:
        """Forgets what only the other observers need; a hint refers to all routes of its configuration."""
        self._hint = None
        self.span = None
        self.steps = None

    def crashed(self) -> None:
        """Notes a fault of the proxy: the sender's connection is reset, because no answer would be honest."""
        self.status, self.made_by, self.code = 500, "proxy", "crashed"

    def left(self) -> None:
        """Notes that the sender left before the answer: status 499, as in nginx."""
        self.status, self.made_by, self.code = 499, "sender", "sender_left"
        self.detail = "The sender closed its connection before it had its answer."

    def end(self) -> None:
        """Completes the record: total time, and texts cut to their limits."""
        now = self._now()
        self.total_seconds = now - self._start
        if self.upstream_status:
            self.relay_seconds = now - self._mark
        self._shorten()

    def _shorten(self) -> None:
        """Keeps log lines and span attributes bounded, whatever an answer contains."""
        if len(self.upstream) > LONGEST_URL:
            self.upstream = self.upstream[:LONGEST_URL] + "…"
        if len(self.correlation_id) > LONGEST_ID:
            self.correlation_id = self.correlation_id[:LONGEST_ID] + "…"
        if len(self.mpl_id) > LONGEST_ID:
            self.mpl_id = self.mpl_id[:LONGEST_ID] + "…"
        if len(self.client_certificate) > LONGEST_SUBJECT:
            self.client_certificate = self.client_certificate[:LONGEST_SUBJECT] + "…"
        if len(self.detail) > LONGEST_DETAIL:
            self.detail = self.detail[:LONGEST_DETAIL] + "…"
