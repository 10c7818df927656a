"""The logged head has no credential."""

from proxy.observe.exchange_steps import masked
from tests.cases import cases


def field(line: bytes, *secret: str) -> str:
    """As it is logged."""
    (shown,) = masked(b"POST /in HTTP/1.1\r\n" + line + b"\r\n\r\n", secret)[2]
    return shown


@cases(
    "name",
    "Authorization",
    "AUTHORIZATION",
    "X-Forwarded-Authorization",
    "Cookie",
    "X-CSRF-Token",
    "X-Api-Key",
    "apikey",
    "ApiKey",
    "Ocp-Apim-Subscription-Key",
    "X-Access-Token",
    "X-Client-Secret",
    "X-Password",
    "X-Hub-Signature-256",
    "X-SAML-Assertion",
    "X-Session-Id",
    "MYSAPSSO2",
    "Referer",
    "Key",
)
def test_a_field_that_sounds_like_a_credential_is_masked(name: str) -> None:
    """The name stays."""
    assert field(f"{name}: cAnArySecret".encode()) == f"{name}: ***"
    assert field(f"{name}:cAnArySecret".encode()) == f"{name}: ***"


@cases(
    "line",
    "Host: cpi.example",
    "Content-Type: application/xml",
    "Content-Length: 5",
    "SAP_Sender: ERP",
    "SOAPAction: urn:x",
    "Via: 1.1 here",
    "X-CSRF-Token: Fetch",
    "X-Monkey: 1",
    "X-Other: \xff",
)
def test_other_fields_are_shown(line: str) -> None:
    """Byte for byte; asking for a CSRF token is no secret."""
    assert field(line.encode("latin-1")) == line


def test_a_field_with_a_value_of_a_variable_is_masked_whatever_its_name() -> None:
    """In any case."""
    assert field(b"X-Tenant: cAnArySecret", "x-tenant") == "X-Tenant: ***"


def test_the_target_has_no_query() -> None:
    """It may hold secrets."""
    head = b"POST /http/in?key=cAnArySecret HTTP/1.1\r\nHost: u\r\n\r\n"
    assert masked(head) == ("POST", "/http/in", ["Host: u"])
