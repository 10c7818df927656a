"""The integration flows on the runtime node: the two of SAP's example, and three for tests."""

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote

from proxy.sandbox.clients import ROLE

PREFIX = "/http"
"Prefix of the HTTPS sender adapter; SOAP is under /cxf, and neither serves the other's addresses."

_BODY_SIZE = 40 << 20
"The adapter's default of Body Size."

_LARGEST_DOWNLOAD = 1 << 40
_PATTERN = bytes(range(256)) * 256

# Format and answer for unknown products are our own, because SAP's page shows only the requests.
_PRODUCTS = {
    "HT-1080": {"Name": "Photo Scan", "CategoryName": "Scanners", "Price": "129.000", "CurrencyCode": "EUR"},
    "HT-2001": {"Name": '10" Portable DVD player', "CategoryName": "Portable Players", "Price": "449.990"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """The parts of a message that a flow reads."""

    query: str
    content_type: str
    start: bytes
    "The first 64 KiB of the body."


class Echoed:
    """A reply whose body is that of the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filler:
    """A reply of `size` bytes of a known pattern."""

    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The reply of a flow that succeeded."""

    body: bytes | Echoed | Filler
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFailure:
    """A flow that ended in an exception; without a reason if the flow does not return it to the sender."""

    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationFlow:
    """A deployed integration flow with an HTTPS sender adapter."""

    address: str
    "Compared case-insensitively; a last segment `*` includes all paths below."
    run: Callable[[Received], Reply | FlowFailure]
    csrf: bool = False
    role: str = ROLE
    max_body: float = _BODY_SIZE

    @property
    def echoes(self) -> bool:
        """Whether the whole body must be kept for the answer."""
        return self.run is _echo


def find_flow(path: str) -> IntegrationFlow | None:
    """Returns the flow with this request path, or None if there is none."""
    lowered = unquote(path).lower().removesuffix("/")
    for flow in FLOWS:
        address = PREFIX + flow.address.removesuffix("/*")
        below = flow.address.endswith("/*") and lowered.startswith(f"{address}/")
        if below or lowered == address:
            return flow
    return None


def make_mpl_id() -> str:
    """Makes an id of the message processing log: 28 characters of base64url that begin with AG."""
    return f"AG{secrets.token_urlsafe(21)[2:]}"


def filler(size: int) -> Iterator[bytes]:
    """Yields the bytes that `/http/download` sends: 0 to 255, repeated."""
    whole, rest = divmod(size, len(_PATTERN))
    for _ in range(whole):
        yield _PATTERN
    if rest:
        yield _PATTERN[:rest]


def _show_product(received: Received) -> Reply | FlowFailure:
    if not received.start:
        return Reply(body=b"", content_type="text/plain")
    try:
        identifier = json.loads(received.start)["productIdentifier"]
    except (ValueError, TypeError, KeyError):
        return FlowFailure(
            reason="com.sap.it.rt.camel.converter.json: the body is not a JSON object with productIdentifier"
        )
    product = _PRODUCTS.get(str(identifier))
    document = {"Products": {"Product": {"ProductId": identifier, **product}} if product else ""}
    return Reply(body=json.dumps(document).encode())


def _echo(received: Received) -> Reply:
    return Reply(body=Echoed(), content_type=received.content_type)


def _download(received: Received) -> Reply | FlowFailure:
    size = parse_qs(received.query).get("bytes", ["0"])[0]
    if not (size.isascii() and size.isdigit()) or int(size) > _LARGEST_DOWNLOAD:
        return FlowFailure(reason=f"bytes must be a number up to {_LARGEST_DOWNLOAD}")
    return Reply(body=Filler(size=int(size)), content_type="application/octet-stream")


def _fail(received: Received) -> FlowFailure:
    reasons = parse_qs(received.query).get("reason", [None])
    return FlowFailure(reason=reasons[0])


FLOWS = (
    IntegrationFlow(address="/orders", run=_show_product, csrf=True),
    IntegrationFlow(address="/invoices", run=_echo),
    IntegrationFlow(address="/echo/*", run=_echo, max_body=float("inf")),
    IntegrationFlow(address="/download", run=_download),
    IntegrationFlow(address="/fail", run=_fail),
)
