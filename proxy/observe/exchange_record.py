"""What an exchange was, for its log line and the metrics: filled in on the way, read once at the end."""

import time
from collections.abc import Callable
from typing import Any, Final

from proxy.errors import ProxyError

LONGEST_METHOD: Final = 32
LONGEST_PATH: Final = 256
LONGEST_USER: Final = 128
"Octets that are kept; of the user characters."
LONGEST_ID: Final = 128
LONGEST_SUBJECT: Final = 200
LONGEST_DETAIL: Final = 400
"Characters of what others write: of the ids in an answer, of the subject of a certificate, of a sentence about it."


class ExchangeRecord:
    """The account of one exchange; phases in seconds. What is usual is said once, in the class."""

    route: str = ""
    oauth_client: str = ""
    user: str = ""
    status: int = 0
    upstream_status: int = 0
    made_by = "upstream"
    code: str = ""
    detail: str = ""
    diagnosis: str = ""
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
    client_certificate = ""
    span: Any = None
    "OpenTelemetry's, where there are spans."
    trace: tuple[bytes, ...] = ()
    "Lines of the forwarded head that tell the upstream of it."

    def __init__(
        self, request_id: str, method: str, path: bytes = b"", now: Callable[[], float] = time.monotonic
    ) -> None:
        """`path` is the request target's, as it came; its query, which may hold anything, is not kept."""
        self._now = now
        self._start = self._mark = now()
        self.request_id, self.method = request_id, method[:LONGEST_METHOD]
        self.path = path[:LONGEST_PATH].partition(b"?")[0].decode("latin-1")

    def traced(self, span: Any, lines: tuple[bytes, ...]) -> None:
        """The exchange has a span; the lines go to the upstream."""
        self.span, self.trace = span, lines

    def routed(self, route: str, oauth_client: str) -> None:
        """The request has its route."""
        self.route, self.oauth_client = route, oauth_client

    def admitted(self, user: str) -> None:
        """The sender has shown who it is; nothing where what it showed has no name."""
        self.user = user[:LONGEST_USER]

    def begin_token(self) -> None:
        """A token has to be waited for."""
        self._waited = True
        self._mark = self._now()

    def end_token(self) -> None:
        """A token is there, or will not come."""
        mark, self._mark = self._mark, self._now()
        self.token_seconds += self._mark - mark

    def have_token(self, *, renewed: bool) -> None:
        """A token is there: granted, renewed, or cached; what an earlier attempt waited for is not cached for it."""
        if renewed:
            self.token = "renewed"
        elif not self.token:
            self.token = "granted" if self._waited else "cached"

    def begin_connection(self) -> None:
        """A connection has to be made."""
        self._mark = self._now()

    def end_connection(self) -> None:
        """It is there."""
        mark, self._mark = self._mark, self._now()
        self.connect_seconds += self._mark - mark

    def answered(self) -> None:
        """The head of an answer, or a failure, has come."""
        mark, self._mark = self._mark, self._now()
        self.first_byte_seconds += self._mark - mark

    def replayed(self, reason: str) -> None:
        """One more attempt, and why."""
        self.replays += (reason,)

    def relayed(self, status: int) -> None:
        """The upstream's answer goes to the sender."""
        self.status = self.upstream_status = status

    def failed(self, error: ProxyError) -> None:
        """The sender gets an answer of ours."""
        self.status, self.code, self.detail, self.made_by = error.status, error.code, error.detail, "proxy"

    def crashed(self) -> None:
        """A fault of ours: the sender's connection is reset, for there is no honest answer."""
        self.status, self.made_by, self.code = 500, "proxy", "crashed"

    def left(self) -> None:
        """The sender went away before the answer: 499, as nginx has it."""
        self.status, self.made_by, self.code = 499, "sender", "sender_left"
        self.detail = "The sender closed its connection before it had its answer."

    def end(self) -> None:
        """All is done."""
        now = self._now()
        self.total_seconds = now - self._start
        if self.upstream_status:
            self.relay_seconds = now - self._mark
        self._shorten()

    def _shorten(self) -> None:
        """Bounds the line of the log and the attributes of the span, whatever was written into a field of an answer."""
        if len(self.correlation_id) > LONGEST_ID:
            self.correlation_id = self.correlation_id[:LONGEST_ID] + "…"
        if len(self.mpl_id) > LONGEST_ID:
            self.mpl_id = self.mpl_id[:LONGEST_ID] + "…"
        if len(self.client_certificate) > LONGEST_SUBJECT:
            self.client_certificate = self.client_certificate[:LONGEST_SUBJECT] + "…"
        if len(self.detail) > LONGEST_DETAIL:
            self.detail = self.detail[:LONGEST_DETAIL] + "…"
