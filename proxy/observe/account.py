"""What an exchange was, for its log line and the metrics: filled in on the way, read once at the end."""

import time
from collections.abc import Callable

from proxy.errors import ProxyError

LONGEST_METHOD, LONGEST_PATH = 32, 256
"Octets that are kept."


class Account:
    """The account of one exchange; phases in seconds."""

    __slots__ = (
        "_mark",
        "_now",
        "_start",
        "attempts",
        "bytes_in",
        "bytes_out",
        "code",
        "connect_seconds",
        "correlation_id",
        "detail",
        "first_byte_seconds",
        "made_by",
        "method",
        "mpl_id",
        "oauth_client",
        "path",
        "relay_seconds",
        "replays",
        "request_id",
        "route",
        "status",
        "token",
        "token_seconds",
        "total_seconds",
        "upstream_status",
    )  # fmt: skip

    def __init__(
        self, request_id: str, method: str, path: bytes = b"", now: Callable[[], float] = time.monotonic
    ) -> None:
        """`path` is the request target's, as it came; its query, which may hold anything, is not kept."""
        self._now = now
        self._start = self._mark = now()
        self.request_id, self.method = request_id, method[:LONGEST_METHOD]
        self.path = path[:LONGEST_PATH].partition(b"?")[0].decode("latin-1")
        self.route = self.oauth_client = ""
        self.status = self.upstream_status = 0
        self.made_by = "upstream"
        self.code = self.detail = ""
        self.token = ""
        self.attempts = 0
        self.replays: tuple[str, ...] = ()
        self.bytes_in = self.bytes_out = 0
        self.token_seconds = self.connect_seconds = self.first_byte_seconds = 0.0
        self.relay_seconds = self.total_seconds = 0.0
        self.mpl_id = self.correlation_id = ""

    def routed(self, route: str, oauth_client: str) -> None:
        """The request has its route."""
        self.route, self.oauth_client = route, oauth_client

    def begin_token(self) -> None:
        """The request is there; now the token is wanted."""
        self._mark = self._now()

    def have_token(self, kind: str) -> None:
        """A token is there: cached, granted or renewed; what an earlier attempt waited for is not cached for it."""
        if kind != "cached" or not self.token:
            self.token = kind

    def end_token(self) -> None:
        """A token is there, or will not come."""
        mark, self._mark = self._mark, self._now()
        self.token_seconds += self._mark - mark

    def connected(self) -> None:
        """An attempt has its connection."""
        self.attempts += 1
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
