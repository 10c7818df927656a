"""The integration flows on the runtime node: the two of SAP's example, and some to test with."""

import json
import secrets
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote

from proxy.sandbox.answers import HSTS, SandboxAnswer, text_answer
from proxy.sandbox.registration import ROLE

PREFIX = "/http"
"The HTTPS sender adapter's; SOAP is under /cxf, and neither serves the other's addresses."

_BODY_SIZE = 40 << 20
"The adapter's default for Body Size."

_LARGEST_DOWNLOAD = 1 << 40
_PATTERN = bytes(range(256)) * 256

# Shape and missing-product answer are ours: SAP's page shows the requests only.
_PRODUCTS = {
    "HT-1080": {"Name": "Photo Scan", "CategoryName": "Scanners", "Price": "129.000", "CurrencyCode": "EUR"},
    "HT-2001": {"Name": '10" Portable DVD player', "CategoryName": "Portable Players", "Price": "449.990"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What a flow sees of its message."""

    query: str
    content_type: str
    start: bytes
    "The first 64 KiB of the body."


class Echoed:
    """The body of the request, once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filler:
    """So many bytes of a known pattern."""

    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """How a flow ended well."""

    body: bytes | Echoed | Filler
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFailure:
    """How a flow ended in an exception; without a reason if the flow does not return it to the sender."""

    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationFlow:
    """A deployed integration flow with an HTTPS sender adapter."""

    address: str
    "Compared without case; a last segment `*` takes all that is below, too."
    run: Callable[[Received], Reply | FlowFailure]
    csrf: bool = False
    role: str = ROLE
    max_body: float = _BODY_SIZE

    @property
    def echoes(self) -> bool:
        """Whether the whole body has to be kept for the answer."""
        return self.run is _echo


def find_flow(path: str) -> IntegrationFlow | None:
    """The flow behind a request path, or None where the node answers 404."""
    lowered = unquote(path).lower().removesuffix("/")
    for flow in FLOWS:
        address = PREFIX + flow.address.removesuffix("/*")
        below = flow.address.endswith("/*") and lowered.startswith(f"{address}/")
        if below or lowered == address:
            return flow
    return None


def failed(failure: FlowFailure, *, mpl_id: str) -> SandboxAnswer:
    """SAP's text for a flow that failed, spelling included; the id stands in no field."""
    the_id = f"The MPL ID for the failed message is : {mpl_id}"
    text = f"An internal server error occured: {the_id}\nFor more details please check tail log."
    if failure.reason is not None:
        text = f"An internal server error occured: {failure.reason}\n\n{the_id}"
    return text_answer(text, status=500, fields=(HSTS,))


def success_fields(mpl_id: str, *, correlation_only: bool) -> tuple[tuple[str, str], ...]:
    """The ids that an answer carries; some tenants send x-correlationid alone, and it does not lead to the MPL."""
    correlation = ("x-correlationid", str(uuid.uuid4()))
    if correlation_only:
        return correlation, HSTS
    ids = ("SAP_MessageProcessingLogID", mpl_id), ("sap_mplcorrelationid", make_mpl_id())
    return *ids, correlation, HSTS


def make_mpl_id() -> str:
    """An id of the message processing log: 28 characters of base64url that begin with AG."""
    return f"AG{secrets.token_urlsafe(21)[2:]}"


def filler(size: int) -> Iterator[bytes]:
    """The bytes that `/http/download` sends: 0 to 255, over and over."""
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
            reason="com.sap.it.rt.camel.converter.json: the body is no JSON object with productIdentifier"
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
