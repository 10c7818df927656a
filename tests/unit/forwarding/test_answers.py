"""Our own answers."""

import json
from collections.abc import Iterator

from proxy import errors
from proxy.errors import (
    ContentTypeNotAllowed,
    CredentialMissing,
    GrantUnavailable,
    MethodNotAllowed,
    ProxyError,
    RouteUnknown,
    UpstreamUnreachable,
)
from proxy.forwarding.answers import CONTINUE, problem
from tests.cases import cases
from tests.fakes.heads import RESPONSES


def classes(of: type[ProxyError] = ProxyError) -> Iterator[type[ProxyError]]:
    """Yields all failures that a sender can be told."""
    for each in of.__subclasses__():
        yield from classes(each)
        if hasattr(each, "status"):
            yield each


def answer(error: ProxyError, *, method: str = "GET", close: bool = False) -> tuple[dict[str, str], bytes]:
    """Returns its fields and content."""
    request_id = "id-ä".encode().decode("latin-1")
    octets = problem(error, name=b"me", request_id=request_id, method=method, close=close, now=1_800_000_000.0)
    head, _, content = octets.partition(b"\r\n\r\n")
    parsed = RESPONSES.read(head + b"\r\n\r\n")
    assert parsed.status == error.status
    pairs = parsed.fields.pairs()
    assert len(pairs) == len(dict(pairs))
    return {name.decode(): value.decode("latin-1") for name, value in pairs}, content


@cases("kind", *sorted(set(classes()), key=repr))
def test_each_failure_is_a_problem_that_says_what_and_who(kind: type[ProxyError]) -> None:
    """RFC 9457 and RFC 9209 have the same code."""
    fields, content = answer(kind("Do ä thing."))
    document = json.loads(content)

    assert document == {
        "type": "about:blank",
        "title": kind.title,
        "status": kind.status,
        "detail": "Do ä thing.",
        "code": kind.code,
        "request_id": "id-ä".encode().decode("latin-1"),
    }
    error = f"; error={kind.proxy_status}" if kind.proxy_status else ""
    assert fields["Proxy-Status"] == f'me{error}; details="{kind.code}"'
    assert fields["Content-Type"] == "application/problem+json"
    assert fields["Date"] == "Fri, 15 Jan 2027 08:00:00 GMT"
    assert content.endswith(b"\n")
    assert fields["Content-Length"] == str(len(content))
    assert fields["X-Request-ID"].encode("latin-1") == "id-ä".encode()


def test_no_two_failures_share_a_code() -> None:
    """Scripts and people search for a code."""
    codes = [kind.code for kind in set(classes())]

    assert len(codes) == len(set(codes)) > 20


def test_the_instance_may_know_the_error_type_better() -> None:
    """It tells the reason of a failure."""
    fields, _ = answer(UpstreamUnreachable("x", proxy_status="dns_error"))

    assert fields["Proxy-Status"] == 'me; error=dns_error; details="upstream_unreachable"'


def test_head_gets_the_head_only() -> None:
    """Its length is that for GET (RFC 9110 §9.3.2)."""
    fields, content = answer(RouteUnknown("x"), method="HEAD")

    assert (content, int(fields["Content-Length"])) == (b"", len(answer(RouteUnknown("x"))[1]))


@cases("close", True, False)
def test_the_last_answer_says_so(*, close: bool) -> None:
    """RFC 9112 §9.6 defines `close`."""
    assert ("Connection" in answer(RouteUnknown("x"), close=close)[0]) is close


@cases(
    "error, name, value",
    {
        "when to come again": (GrantUnavailable("x", retry_after=7), "Retry-After", "7"),
        "nobody knows when": (GrantUnavailable("x"), "Retry-After", None),
        "what is allowed": (MethodNotAllowed("x", allowed=("GET", "PUT")), "Allow", "GET, PUT"),
        "405 has Allow, also where nothing is (RFC 9110 §10.2.1)": (MethodNotAllowed("x"), "Allow", ""),
        "others have none": (RouteUnknown("x"), "Allow", None),
        "what would be taken": (ContentTypeNotAllowed("x", accepted=("text/*", "a/b")), "Accept", "text/*, a/b"),
        "nobody says what would be taken": (ContentTypeNotAllowed("x"), "Accept", None),
        "401": (CredentialMissing("x"), "WWW-Authenticate", 'Basic realm="cpi-oauth-proxy", charset="UTF-8"'),
        "403 challenges nobody": (errors.CredentialRefused("x"), "WWW-Authenticate", None),
    },
)
def test_a_status_brings_its_field(error: ProxyError, name: str, value: str | None) -> None:
    """RFC 9110 §10.2.1, §10.2.3, §11.6.1, §15.5.16."""
    assert answer(error)[0].get(name) == value


def test_continue_is_an_interim_answer() -> None:
    """RFC 9110 §15.2.1 defines it."""
    assert RESPONSES.read(CONTINUE).status == 100
